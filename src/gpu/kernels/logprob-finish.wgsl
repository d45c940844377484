// lse = m + log s,  logp = z_target - lse,  entropy = -sum p log p = lse - sum p z = lse - w / s
// state [rows, 4] = (m, s, w, z_target) from logprob-chunk.wgsl; logp, entropy, lse [rows]
// One invocation per row.
struct Params { rows: u32 }
@group(0) @binding(0) var<storage, read> state: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> logp: array<f32>;
@group(0) @binding(2) var<storage, read_write> entropy: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + group.y * 65535u) * 64u + lane;
  if (row >= p.rows) { return; }
  let s = state[row];
  let total = s.x + log(s.y);
  lse[row] = total;
  logp[row] = s.w - total;
  entropy[row] = total - s.z / s.y;
}
