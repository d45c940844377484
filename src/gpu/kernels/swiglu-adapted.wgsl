// y[r, c] = gate_of(g) * u (see gate.wgsl),  g = gate[r, c] + hg[r] . Bg[c],  u = up[r, c] + hu[r] . Bu[c]
// gate_up [rows, 2 * width]: a row is gate | up;  h [rows, h_width];  b [., rank];  y [rows, width]
// hg and hu are RANK columns of h, Bg and Bu `width` rows of b, where they are adapted at all.
// Elements of h and b are vec4s if the rank is a multiple of four; rank, h_width and the places in h
// and b count them.
// An invocation takes ROWS rows of a column, so that it reads the rows of b once for all of them.
// Workgroups: x over columns, y over rows.

override GATE: bool;
override UP: bool;
const ROWS = 4u;

struct Params {
  rows: u32,
  width: u32,
  rank: u32,
  h_width: u32,
  gate_h: u32,
  gate_b: u32,
  up_h: u32,
  up_b: u32,
  first_y: u32,
}

@group(0) @binding(0) var<storage, read> gate_up: array<f32>;
@group(0) @binding(1) var<storage, read> h: array<Element>;
@group(0) @binding(2) var<storage, read> b: array<Element>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

// h . b of four rows of h, from `h_at` in the first of them, and the row of b that begins at `b_at`.
fn products(h_at: u32, b_at: u32) -> vec4f {
  var sum = vec4f();
  for (var k = 0u; k < p.rank; k++) {
    let factor = b[b_at + k];
    let at = h_at + k;
    sum += vec4f(
      product(h[at], factor),
      product(h[at + p.h_width], factor),
      product(h[at + 2u * p.h_width], factor),
      product(h[at + 3u * p.h_width], factor),
    );
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  let column = id.x;
  let row = ROWS * (group.y + p.first_y);
  if (column >= p.width) { return; }
  var gates = vec4f();
  var ups = vec4f();
  if (GATE) { gates = products(row * p.h_width + p.gate_h, p.gate_b + column * p.rank); }
  if (UP) { ups = products(row * p.h_width + p.up_h, p.up_b + column * p.rank); }
  for (var i = 0u; i < ROWS && row + i < p.rows; i++) {
    let at = (row + i) * 2u * p.width + column;
    let gate = gate_up[at] + gates[i];
    let up = gate_up[at + p.width] + ups[i];
    y[(row + i) * p.width + column] = gate_of(gate) * up;
  }
}
