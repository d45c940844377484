// One decoding step before its attention, for adapters on the CPU: rotates the query heads of qkv in
// place, as rope.wgsl does, and stores the rotated keys and the values of a row in the cache.
// qkv [rows, (heads + 2 kv_heads) * head_size] is q | k | v; cache [*, 2 kv_heads * head_size] is k | v.
// spans [rows] (see attention-decode-alone.wgsl): the last row that a token sees is its own, and those
// before it are counted by its position.
//
// HALF_LANES invocations share the pairs of a row. All counts are of Elements.
override HALF_LANES: u32;

struct Params {
  rows: u32,
  heads: u32,
  kv_heads: u32,
  half: u32,
  head_size: u32,
  factor: f32,
  step: u32,
  @for r RING
  window: u32,
  first_own: u32,
  own_rows: u32,
  ring: u32,
  @end r
  first_x: u32,
}

@group(0) @binding(0) var<storage, read_write> qkv: array<Element>;
@group(0) @binding(1) var<storage, read> spans: array<vec4u>;
@group(0) @binding(2) var<storage, read> frequencies: array<Element>;
@group(0) @binding(3) var<storage, read_write> cache: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(HALF_LANES, 64 / HALF_LANES)
fn main(@builtin(local_invocation_id) lane: vec3u, @builtin(workgroup_id) group: vec3u) {
  let row = (group.x + p.first_x + group.y * 65535u) * (64u / HALF_LANES) + lane.y;
  if (row >= p.rows) { return; }
  let span = spans[row];
  let position = span.y - span.x + span.w + p.step - span.z - 1u;
  var own_row = span.w + p.step - 1u;
  @for r RING
  own_row = ring_row(span);
  @end r
  let width = p.kv_heads * p.head_size;
  let q_at = row * (p.heads * p.head_size + 2u * width);
  let k_at = q_at + p.heads * p.head_size;
  let store = own_row * 2u * width;
  for (var i = lane.x; i < p.half; i += HALF_LANES) {
    let turn = turn_by(f32(position) * frequencies[i]);
    let cosine = turn.cosine * p.factor;
    let sine = turn.sine * p.factor;
    for (var at = q_at + i; at < k_at; at += p.head_size) {
      let a = qkv[at];
      let b = qkv[at + p.half];
      qkv[at] = a * cosine - b * sine;
      qkv[at + p.half] = b * cosine + a * sine;
    }
    for (var at = i; at < width; at += p.head_size) {
      let a = qkv[k_at + at];
      let b = qkv[k_at + at + p.half];
      cache[store + at] = a * cosine - b * sine;
      cache[store + at + p.half] = b * cosine + a * sine;
    }
  }
  // The values, and what is not rotated of the keys.
  for (var i = lane.x; i < width; i += HALF_LANES) {
    cache[store + width + i] = qkv[k_at + width + i];
    if (i % p.head_size >= 2u * p.half) { cache[store + i] = qkv[k_at + i]; }
  }
}
