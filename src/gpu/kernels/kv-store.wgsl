// cache_i = k_s | v_s   with s = sources[i], for the first `rows` rows i of the cache
// qkv [*, qkv_stride], k at k_offset and v at v_offset of a row, each `width` long
// cache [*, cache_stride], sources [rows]. Strides, offsets and width count vec4s; an invocation copies one of k and one of v.

struct Params {
  rows: u32,
  qkv_stride: u32,
  k_offset: u32,
  v_offset: u32,
  width: u32,
  cache_stride: u32,
  first_x: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> sources: array<u32>;
@group(0) @binding(2) var<storage, read_write> cache: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

const STRIDE = 65535u * 64u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x + 64u * p.first_x + id.y * STRIDE;
  let row = at / p.width;
  let c = at % p.width;
  if (row >= p.rows) { return; }
  let source = sources[row] * p.qkv_stride + c;
  let place = row * p.cache_stride + c;
  cache[place] = qkv[source + p.k_offset];
  cache[place + p.width] = qkv[source + p.v_offset];
}
