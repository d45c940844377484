// With s = sigmoid(bend(gate)); see gate.wgsl:
// d_gate[r, c] = dy[r, c] * up[r, c] * s * (1 + gate * (1 - s) * bend'(gate))
// d_up[r, c]   = dy[r, c] * gate * s
// gate_up, d_gate_up [rows, 2 * width]: a row is gate | up;  dy [rows, width]
// The cut into invocations is that of swiglu.wgsl.

override LANES: u32;

struct Params { rows: u32, width: u32, step: u32, first_y: u32 }

@group(0) @binding(0) var<storage, read> gate_up: array<Element>;
@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read_write> d_gate_up: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(LANES, 64 / LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let width = p.width;
  if (id.x >= width) { return; }
  for (var row = id.y + p.first_y * (64u / LANES); row < p.rows; row += p.step) {
    let at = row * 2u * width + id.x;
    let gate = gate_up[at];
    let s = sigmoid(bend(gate));
    let g = dy[row * width + id.x];
    d_gate_up[at] = g * gate_up[at + width] * s * (1.0 + gate * (1.0 - s) * bend_slope(gate));
    d_gate_up[at + width] = g * gate * s;
  }
}
