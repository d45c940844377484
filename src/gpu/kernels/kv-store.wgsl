// cache[spans[i].w - 1 + step] = k_i | v_i      for every row i of a packed qkv buffer
// qkv [rows, qkv_stride], k at k_offset and v at v_offset of a row, each `width` long
// cache [*, cache_stride], spans [rows] (see attention.wgsl): a token's own key is its last one.

struct Params {
  rows: u32,
  qkv_stride: u32,
  k_offset: u32,
  v_offset: u32,
  width: u32,
  cache_stride: u32,
  step: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> spans: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> cache: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
) {
  let row = group.x + group.y * 65535u;
  if (row >= p.rows) { return; }
  let source = row * p.qkv_stride;
  let target_row = (spans[row].w - 1u + p.step) * p.cache_stride;
  for (var c = lane.x; c < p.width; c += 64u) {
    cache[target_row + c] = qkv[source + p.k_offset + c];
    cache[target_row + p.width + c] = qkv[source + p.v_offset + c];
  }
}
