// y[r,:] = softmax(inverse_temperature x[r,:])      x, y [rows, cols]
// The row maximum is subtracted first.
// TEAM invocations share a row; see team-of-many.wgsl for TEAM and SIZE.
struct Params { rows: u32, cols: u32, inverse_temperature: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let base = row * p.cols;
  // A row past the end has no columns, but its team must reach the barriers too.
  let end = base + select(0u, p.cols, row < p.rows);
  let start = base + lane % TEAM;

  var top = -3.4e38;
  for (var i = start; i < end; i += TEAM) { top = max(top, x[i]); }
  top = team_max(lane, top);

  var sum = 0.0;
  for (var i = start; i < end; i += TEAM) {
    let e = exp((x[i] - top) * p.inverse_temperature);
    y[i] = e;
    sum += e;
  }
  let scale = 1.0 / team_sum(lane, vec3f(sum)).x;
  for (var i = start; i < end; i += TEAM) { y[i] *= scale; }
}
