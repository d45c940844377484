// Adds one chunk of the vocabulary to the running log-sum-exp of every row (online softmax).
// z[r,v] = inverse_temperature logits[r,v]
// state[r] = (m = max z, s = sum e^(z-m), w = sum e^(z-m) z, z of the target), over the chunks so far
// logits [rows, chunk_cols], targets [rows] (vocabulary indices), state [rows, 4]
// TEAM invocations share a row (see team-of-many.wgsl) and load it by Elements of WIDTH numbers.
struct Params { rows: u32, chunk_start: u32, chunk_cols: u32, first: u32, inverse_temperature: f32, first_x: u32 }
@group(0) @binding(0) var<storage, read> logits: array<Element>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> state: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

const LOWEST = -3.4e38;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let cols = p.chunk_cols / WIDTH;
  let base = row * cols;
  // A row past the end has no columns, but its team must reach the barriers too.
  let end = base + select(0u, cols, row < p.rows);
  let start = base + lane % TEAM;

  var tops = Element(LOWEST);
  for (var i = start; i < end; i += TEAM) { tops = max(tops, logits[i]); }
  var old = vec4f(LOWEST, 0.0, 0.0, 0.0);
  if (p.first == 0u && row < p.rows) { old = state[row]; }
  // Scaled after the maximum is taken: the inverse temperature is positive.
  let m = max(old.x, team_max(lane, largest(tops)) * p.inverse_temperature);

  var weights = Element();
  var products = Element();
  for (var i = start; i < end; i += TEAM) {
    let z = logits[i] * p.inverse_temperature;
    let e = exp(z - m);
    weights += e;
    products += e * z;
  }
  let sum = team_sum(lane, vec2f(total(weights), total(products)));
  if (lane % TEAM == 0u && row < p.rows) {
    let at = targets[row] - p.chunk_start; // wraps to a huge value if the target comes before
    var z = old.w;
    if (at < p.chunk_cols) { z = number(logits[base + at / WIDTH], at) * p.inverse_temperature; }
    state[row] = vec4f(m, old.yz * exp(old.x - m) + sum, z);
  }
}
