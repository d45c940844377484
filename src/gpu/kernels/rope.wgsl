// Rotary embedding, rotate-half (Su et al. 2021; the pairing of Hugging Face's llama):
//   angle = (positions[row] + step) * frequencies[i]
//   x[i]        <- x[i] cos(angle) - direction * x[i + half] sin(angle)
//   x[i + half] <- x[i + half] cos(angle) + direction * x[i] sin(angle)     i < half = head_dim / 2
// in place on the first `heads` heads of a row of x [rows, row_stride], from `offset`.
// direction -1 rotates back: the transpose, which is the backward pass.

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
  direction: f32,
  step: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<Element>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> frequencies: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

// WGSL guarantees sin and cos only to 2^-11 and only within [-pi, pi]; the logits would show the
// error. Hence Cody-Waite reduction to [-pi/4, pi/4], and the polynomials of Cephes' sinf and cosf.
struct Turn { cosine: Element, sine: Element }

fn turn_by(angle: Element) -> Turn {
  let quarter = round(angle * 0.6366197723675814);
  var r = fma(quarter, Element(-1.5703125), angle);
  r = fma(quarter, Element(-4.837512969970703125e-4), r);
  r = fma(quarter, Element(-7.54978995489188216e-8), r);
  let z = r * r;
  let s2 = fma(Element(-1.9515295891e-4), z, Element(8.3321608736e-3));
  let s = fma(fma(s2, z, Element(-1.6666654611e-1)), z * r, r);
  let c2 = fma(Element(2.443315711809948e-5), z, Element(-1.388731625493765e-3));
  let c = fma(fma(c2, z, Element(4.166664568298827e-2)), z * z, fma(Element(-0.5), z, Element(1.0)));
  let q = Places(Integers(quarter)) & Places(3u);
  let odd = (q & Places(1u)) == Places(1u);
  let cosine = select(c, s, odd);
  let sine = select(s, c, odd);
  return Turn(
    select(cosine, -cosine, ((q + 1u) & Places(2u)) == Places(2u)),
    select(sine, -sine, q >= Places(2u)),
  );
}

@compute @workgroup_size(HALF_LANES, HEAD_LANES, 64 / (HALF_LANES * HEAD_LANES))
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
) {
  let rows_per_group = 64u / (HALF_LANES * HEAD_LANES);
  let row = (group.x + group.y * 65535u) * rows_per_group + lane.z;
  if (row >= p.rows) { return; }
  let position = f32(positions[row] + p.step);
  for (var i = lane.x; i < p.half; i += HALF_LANES) {
    let turn = turn_by(position * frequencies[i]);
    let sine = turn.sine * p.direction;
    var at = row * p.row_stride + p.offset + i + lane.y * 2u * p.half;
    for (var head = lane.y; head < p.heads; head += HEAD_LANES) {
      let a = x[at];
      let b = x[at + p.half];
      x[at] = a * turn.cosine - b * sine;
      x[at + p.half] = b * turn.cosine + a * sine;
      at += HEAD_LANES * 2u * p.half;
    }
  }
}
