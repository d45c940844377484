// Overwrites the logits of a chunk with the gradient of the loss with respect to them:
// d[r,v] = inverse_temperature (d_logp ([v = target] - q) + d_entropy (-q (log q + H)))
// with log q = inverse_temperature logits[r,v] - lse, H = entropy[r]
// logits [rows, chunk_cols]; targets, lse, entropy, d_logp, d_entropy [rows]
// TEAM invocations share a row; `logits` are loaded by Elements, of WIDTH numbers.
struct Params { rows: u32, chunk_start: u32, chunk_cols: u32, inverse_temperature: f32, first_x: u32 }
@group(0) @binding(0) var<storage, read_write> logits: array<Element>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> entropy: array<f32>;
@group(0) @binding(4) var<storage, read> d_logp: array<f32>;
@group(0) @binding(5) var<storage, read> d_entropy: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

override TEAM: u32;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = (id.x + 64u * p.first_x) / TEAM + id.y * (65535u * 64u / TEAM);
  if (row >= p.rows) { return; }
  let at = targets[row] - p.chunk_start; // wraps to a huge value if the target comes before
  let lse_row = lse[row];
  let h = entropy[row];
  let by_logp = d_logp[row] * p.inverse_temperature;
  let by_entropy = d_entropy[row] * p.inverse_temperature;
  let cols = p.chunk_cols / WIDTH;
  for (var c = id.x % TEAM; c < cols; c += TEAM) {
    let log_q = logits[row * cols + c] * p.inverse_temperature - lse_row;
    let hit = select(Element(), Element(by_logp), places(c) == Places(at));
    logits[row * cols + c] = hit - exp(log_q) * (by_logp + by_entropy * (log_q + h));
  }
}
