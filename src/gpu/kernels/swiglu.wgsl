// y[r, c] = gate_of(gate[r, c]) * up[r, c],  with silu: gate_of(g) = g / (1 + exp(-g)); see gate.wgsl
// gate_up [rows, 2 * width]: a row is gate | up;  y [rows, width]; `width` counts Elements.
// Neighbouring invocations take neighbouring columns; each takes every step-th row.

override LANES: u32;

struct Params { rows: u32, width: u32, step: u32, first_y: u32 }

@group(0) @binding(0) var<storage, read> gate_up: array<Element>;
@group(0) @binding(1) var<storage, read_write> y: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(LANES, 64 / LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let width = p.width;
  if (id.x >= width) { return; }
  for (var row = id.y + p.first_y * (64u / LANES); row < p.rows; row += p.step) {
    let at = row * 2u * width + id.x;
    y[row * width + id.x] = gate_of(gate_up[at]) * gate_up[at + width];
  }
}
