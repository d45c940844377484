// Adds one chunk of the vocabulary to the running log-sum-exp of every row (online softmax).
// z[r,v] = inverse_temperature logits[r,v]
// state[r] = (m = max z, s = sum e^(z-m), w = sum e^(z-m) z, z of the target), over the chunks so far
// logits [rows, chunk_cols], targets [rows] (vocabulary indices), state [rows, 4]
// TEAM invocations share a row; see team-of-many.wgsl for TEAM and SIZE.
struct Params { rows: u32, chunk_start: u32, chunk_cols: u32, first: u32, inverse_temperature: f32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

const LOWEST = -3.4e38;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let base = row * p.chunk_cols;
  // A row past the end has no columns, but its team must reach the barriers too.
  let end = base + select(0u, p.chunk_cols, row < p.rows);
  let start = base + lane % TEAM;

  var top = LOWEST;
  for (var i = start; i < end; i += TEAM) { top = max(top, logits[i]); }
  var old = vec4f(LOWEST, 0.0, 0.0, 0.0);
  if (p.first == 0u && row < p.rows) { old = state[row]; }
  // Scaled after the maximum is taken: the inverse temperature is positive.
  let m = max(old.x, team_max(lane, top) * p.inverse_temperature);

  var sums = vec3f(0.0);
  for (var i = start; i < end; i += TEAM) {
    let z = logits[i] * p.inverse_temperature;
    let e = exp(z - m);
    sums += vec3f(e, e * z, 0.0);
  }
  sums = team_sum(lane, sums);
  if (lane % TEAM == 0u && row < p.rows) {
    let at = targets[row] - p.chunk_start; // wraps to a huge value if the target comes before
    var z = old.w;
    if (at < p.chunk_cols) { z = logits[base + at] * p.inverse_temperature; }
    state[row] = vec4f(m, old.yz * exp(old.x - m) + sums.xy, z);
  }
}
