// Rotary embedding, rotate-half (Su et al. 2021; the pairing of Hugging Face's llama):
//   angle = positions[row] * frequencies[i]
//   x[i]        <- factor * (x[i] cos(angle) - direction * x[i + half] sin(angle))
//   x[i + half] <- factor * (x[i + half] cos(angle) + direction * x[i] sin(angle))     i < half
// in place on the first `heads` heads of a row of x [rows, row_stride], from `offset`; the other
// elements of a head, 2 * half to head_size, stay. direction -1 is the transpose: the backward pass.

// A row's invocations: HALF_LANES share the pairs of a head, HEAD_LANES the heads. A workgroup has
// 64 / (HALF_LANES * HEAD_LANES) rows. All counts below are of Elements.
override HALF_LANES: u32;
override HEAD_LANES: u32;

struct Params {
  rows: u32,
  heads: u32,
  row_stride: u32,
  offset: u32,
  half: u32,
  head_size: u32,
  direction: f32,
  factor: f32,
  first_x: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<Element>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> frequencies: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(HALF_LANES, HEAD_LANES, 64 / (HALF_LANES * HEAD_LANES))
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
) {
  let rows_per_group = 64u / (HALF_LANES * HEAD_LANES);
  let row = (group.x + p.first_x + group.y * 65535u) * rows_per_group + lane.z;
  if (row >= p.rows) { return; }
  let position = f32(positions[row]);
  for (var i = lane.x; i < p.half; i += HALF_LANES) {
    let turn = turn_by(position * frequencies[i]);
    let cosine = turn.cosine * p.factor;
    let sine = turn.sine * (p.direction * p.factor);
    var at = row * p.row_stride + p.offset + i + lane.y * p.head_size;
    for (var head = lane.y; head < p.heads; head += HEAD_LANES) {
      let a = x[at];
      let b = x[at + p.half];
      x[at] = a * cosine - b * sine;
      x[at + p.half] = b * cosine + a * sine;
      at += HEAD_LANES * p.head_size;
    }
  }
}
