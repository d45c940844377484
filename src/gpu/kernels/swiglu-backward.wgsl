// With s = sigmoid(gate):
// d_gate[r, c] = dy[r, c] * up[r, c] * s * (1 + gate * (1 - s))
// d_up[r, c]   = dy[r, c] * gate * s
// gate_up, d_gate_up [rows, 2 * width]: a row is gate | up;  dy [rows, width]
// The cut into invocations is that of swiglu.wgsl.

struct Params { rows: u32, width: u32 }

@group(0) @binding(0) var<storage, read> gate_up: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> d_gate_up: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let rows = p.rows;
  let width = p.width;
  if (id.x >= width) { return; }
  for (var row = group.y; row < rows; row += groups.y) {
    let at = row * 2u * width + id.x;
    let gate = gate_up[at];
    let e = exp(-abs(gate));
    let s = select(e, 1.0, gate >= 0.0) / (1.0 + e);
    let g = dy[row * width + id.x];
    d_gate_up[at] = g * gate_up[at + width] * s * (1.0 + gate * (1.0 - s));
    d_gate_up[at + width] = g * gate * s;
  }
}
