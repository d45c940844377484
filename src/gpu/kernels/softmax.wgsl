// y[r,:] = softmax(inverse_temperature x[r,:])      x, y [rows, cols]
// The row maximum is subtracted first. TEAM invocations share a row.
override TEAM: u32 = 64u;
struct Params { rows: u32, cols: u32, inverse_temperature: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

var<workgroup> scratch: array<f32, TEAM>;

@compute @workgroup_size(TEAM)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * 65535u;
  if (row >= p.rows) { return; }
  let base = row * p.cols;

  var top = -3.4e38;
  for (var c = lane; c < p.cols; c += TEAM) { top = max(top, x[base + c]); }
  scratch[lane] = top;
  for (var half = TEAM / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { scratch[lane] = max(scratch[lane], scratch[lane + half]); }
  }
  workgroupBarrier();
  top = scratch[0];
  workgroupBarrier();

  var sum = 0.0;
  for (var c = lane; c < p.cols; c += TEAM) {
    let e = exp((x[base + c] - top) * p.inverse_temperature);
    y[base + c] = e;
    sum += e;
  }
  scratch[lane] = sum;
  for (var half = TEAM / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { scratch[lane] += scratch[lane + half]; }
  }
  workgroupBarrier();
  let scale = 1.0 / scratch[0];
  for (var c = lane; c < p.cols; c += TEAM) { y[base + c] *= scale; }
}
