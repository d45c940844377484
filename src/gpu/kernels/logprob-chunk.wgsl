// One chunk of the vocabulary into the running log-sum-exp of every row (online softmax).
// z[r,v] = inverse_temperature logits[r,v]
// state[r] = (m = max z, s = sum e^(z-m), w = sum e^(z-m) z, z of the target), over the chunks so far
// logits [rows, chunk_cols], targets [rows] (vocabulary indices), state [rows, 4]
// TEAM invocations share a row; a workgroup holds 64 / TEAM rows.
override TEAM: u32 = 64u;
struct Params { rows: u32, chunk_start: u32, chunk_cols: u32, first: u32, inverse_temperature: f32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

const LOWEST = -3.4e38;
var<workgroup> scratch: array<vec2f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let member = lane % TEAM;
  let row = (group.x + group.y * 65535u) * (64u / TEAM) + lane / TEAM;
  // Rows past the end have no columns: they must still reach the barriers.
  let cols = select(0u, p.chunk_cols, row < p.rows);
  let base = row * p.chunk_cols;

  var top = LOWEST;
  for (var c = member; c < cols; c += TEAM) { top = max(top, logits[base + c]); }
  scratch[lane].x = top;
  for (var half = TEAM / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (member < half) { scratch[lane].x = max(scratch[lane].x, scratch[lane + half].x); }
  }
  workgroupBarrier();

  // The logits were compared unscaled: an inverse temperature is positive.
  var old = vec4f(LOWEST, 0.0, 0.0, 0.0);
  if (p.first == 0u && row < p.rows) { old = state[row]; }
  let m = max(old.x, scratch[lane - member].x * p.inverse_temperature);
  var sums = vec2f(0.0);
  for (var c = member; c < cols; c += TEAM) {
    let z = logits[base + c] * p.inverse_temperature;
    let e = exp(z - m);
    sums += vec2f(e, e * z);
  }
  workgroupBarrier();
  scratch[lane] = sums;
  for (var half = TEAM / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (member < half) { scratch[lane] += scratch[lane + half]; }
  }
  if (member == 0u && row < p.rows) {
    let kept = exp(old.x - m);
    let at = targets[row] - p.chunk_start; // wraps to a huge value when the target is before
    var z = old.w;
    if (at < p.chunk_cols) { z = logits[base + at] * p.inverse_temperature; }
    state[row] = vec4f(m, old.yz * kept + scratch[lane], z);
  }
}
