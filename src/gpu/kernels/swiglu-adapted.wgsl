// y[r, c] = gate_of(g) * u (see gate.wgsl),  g = gate[r, c] + hg[r] . Bg[c],  u = up[r, c] + hu[r] . Bu[c]
// gate_up [rows, 2 * width]: a row is gate | up;  h [rows, h_width];  b [., rank];  y [rows, width]
// hg and hu are RANK columns of h, Bg and Bu `width` rows of b, where they are adapted at all.
// `width` counts Elements, which are vec4s if the width is a multiple of four. Factors are those of h
// and b, vec4s if the rank is a multiple of four; rank, h_width and the places in h and b count them.
// An invocation takes two rows of a column of Elements: what it reads of b serves both, and the sums
// fit into registers.
// Workgroups: x over columns, y over rows.

override GATE: bool;
override UP: bool;

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

@group(0) @binding(0) var<storage, read> gate_up: array<Element>;
@group(0) @binding(1) var<storage, read> h: array<Factor>;
@group(0) @binding(2) var<storage, read> b: array<Factor>;
@group(0) @binding(3) var<storage, read_write> y: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

struct Pair { first: Element, second: Element }

// h . b of two rows of h, from `h_at` in the first of them, and the WIDTH rows of b from `b_at`.
fn products(h_at: u32, b_at: u32) -> Pair {
  var sums = Pair();
  for (var k = 0u; k < p.rank; k++) {
    let factors = block(b_at + k);
    sums.first += product(h[h_at + k], factors);
    sums.second += product(h[h_at + p.h_width + k], factors);
  }
  return sums;
}

fn write(row: u32, column: u32, gate: Element, up: Element) {
  let at = row * 2u * p.width + column;
  y[row * p.width + column] = gate_of(gate_up[at] + gate) * (gate_up[at + p.width] + up);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x;
  let row = 2u * (id.y + p.first_y);
  if (column >= p.width) { return; }
  var gates = Pair();
  var ups = Pair();
  let first = WIDTH * column * p.rank;
  if (GATE) { gates = products(row * p.h_width + p.gate_h, p.gate_b + first); }
  if (UP) { ups = products(row * p.h_width + p.up_h, p.up_b + first); }
  write(row, column, gates.first, ups.first);
  if (row + 1u < p.rows) { write(row + 1u, column, gates.second, ups.second); }
}
