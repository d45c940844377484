// Rotary embedding, rotate-half (Su et al. 2021; the pairing of Hugging Face's llama):
//   angle = (positions[row] + step) * frequencies[i]
//   x[i]        <- x[i] cos(angle) - direction * x[i + half] sin(angle)
//   x[i + half] <- x[i + half] cos(angle) + direction * x[i] sin(angle)     i < half = head_dim / 2
// in place on the first `heads` heads of a row of x [rows, row_stride], from `offset`.
// direction -1 rotates back: the transpose, which is the backward pass.

// Invocations that share the pairs of a row, in all its heads. A workgroup has 64 / HALF_LANES
// rows.
override HALF_LANES: u32 = 8u;

struct Params {
  rows: u32,
  heads: u32,
  row_stride: u32,
  offset: u32,
  half: u32,
  direction: f32,
  step: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> frequencies: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

// WGSL guarantees sin and cos only to 2^-11 and only within [-pi, pi]; the logits would show the
// error. Hence Cody-Waite reduction to [-pi/4, pi/4], and the polynomials of Cephes' sinf and cosf.
fn cos_sin(angle: f32) -> vec2f {
  let quarter = round(angle * 0.6366197723675814);
  var r = fma(quarter, -1.5703125, angle);
  r = fma(quarter, -4.837512969970703125e-4, r);
  r = fma(quarter, -7.54978995489188216e-8, r);
  let z = r * r;
  let s = fma(fma(fma(-1.9515295891e-4, z, 8.3321608736e-3), z, -1.6666654611e-1), z * r, r);
  let c = fma(
    fma(fma(2.443315711809948e-5, z, -1.388731625493765e-3), z, 4.166664568298827e-2),
    z * z,
    fma(-0.5, z, 1.0),
  );
  let q = u32(i32(quarter)) & 3u;
  let cosine = select(c, s, (q & 1u) == 1u);
  let sine = select(s, c, (q & 1u) == 1u);
  return vec2f(
    select(cosine, -cosine, q == 1u || q == 2u),
    select(sine, -sine, q >= 2u),
  );
}

@compute @workgroup_size(HALF_LANES, 64 / HALF_LANES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
) {
  let row = (group.x + group.y * 65535u) * (64u / HALF_LANES) + lane.y;
  if (row >= p.rows) { return; }
  let position = f32(positions[row] + p.step);
  for (var i = lane.x; i < p.half; i += HALF_LANES) {
    let turn = cos_sin(position * frequencies[i]);
    let sine = turn.y * p.direction;
    var at = row * p.row_stride + p.offset + i;
    for (var head = 0u; head < p.heads; head++) {
      let a = x[at];
      let b = x[at + p.half];
      x[at] = a * turn.x - b * sine;
      x[at + p.half] = b * turn.x + a * sine;
      at += 2u * p.half;
    }
  }
}
