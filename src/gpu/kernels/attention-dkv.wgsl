// With P_ij = exp(scale * q_i . k_j - lse_i), over the queries i in [j, view_end[j]) that see key j
// and over the query heads of its group:
//   dv_j = sum_i P_ij dO_i
//   dk_j = scale * sum_i P_ij (dO_i . v_j - delta_i) q_i
// One owner per key; shapes are those of attention-dq.wgsl, which has left delta [tokens, heads].
// A workgroup takes ROWS keys of one key/value head; SLICES threads share a key, 4 vec4s each.

override ROWS: u32 = 64u;
override SLICES: u32 = 1u;
override HEAD_VECS: u32 = 4u;

const LOG2_E = 1.4426950408889634;

struct Params {
  tokens: u32,
  heads: u32,
  group: u32,
  scale: f32,
  stride: u32,
  k_offset: u32,
  v_offset: u32,
  d_stride: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read> delta: array<f32>;
@group(0) @binding(4) var<storage, read> view_end: array<u32>;
@group(0) @binding(5) var<storage, read_write> d_qkv: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(ROWS, SLICES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) block: vec3u,
) {
  let kv_head = block.y;
  let live = block.x * ROWS + lane.x < p.tokens;
  let key = min(block.x * ROWS + lane.x, p.tokens - 1u);
  let c0 = lane.y * 4u;
  let c1 = min(c0 + 1u, HEAD_VECS - 1u);
  let c2 = min(c0 + 2u, HEAD_VECS - 1u);
  let c3 = min(c0 + 3u, HEAD_VECS - 1u);
  let on1 = select(0.0, 1.0, c0 + 1u < HEAD_VECS);
  let on2 = select(0.0, 1.0, c0 + 2u < HEAD_VECS);
  let on3 = select(0.0, 1.0, c0 + 3u < HEAD_VECS);
  let scale = p.scale * LOG2_E;
  let k_at = key * p.stride + p.k_offset + kv_head * HEAD_VECS;
  let k0 = qkv[k_at + c0] * scale;
  let k1 = qkv[k_at + c1] * scale * on1;
  let k2 = qkv[k_at + c2] * scale * on2;
  let k3 = qkv[k_at + c3] * scale * on3;
  let v_at = key * p.stride + p.v_offset + kv_head * HEAD_VECS;
  let v0 = qkv[v_at + c0];
  let v1 = qkv[v_at + c1] * on1;
  let v2 = qkv[v_at + c2] * on2;
  let v3 = qkv[v_at + c3] * on3;

  // From the last viewer down: keys side by side share it, while their first viewers differ.
  let last = view_end[key] - 1u;
  let count = last + 1u - key;
  var dk0 = vec4f();
  var dk1 = vec4f();
  var dk2 = vec4f();
  var dk3 = vec4f();
  var dv0 = vec4f();
  var dv1 = vec4f();
  var dv2 = vec4f();
  var dv3 = vec4f();
  let end = longest(count);
  for (var t = 0u; t < end; t += 4u) {
    let ts = vec4u(t, t + 1u, t + 2u, t + 3u);
    let queries = last - min(ts, vec4u(count - 1u));
    for (var h = 0u; h < p.group; h++) {
      let head = kv_head * p.group + h;
      let q_at = queries * p.stride + head * HEAD_VECS;
      let stat = queries * p.heads + head;
      let g_at = stat * HEAD_VECS;
      let s = over_slices(vec4f(
        dot(k0, qkv[q_at.x + c0]) + dot(k1, qkv[q_at.x + c1]) + dot(k2, qkv[q_at.x + c2]) + dot(k3, qkv[q_at.x + c3]),
        dot(k0, qkv[q_at.y + c0]) + dot(k1, qkv[q_at.y + c1]) + dot(k2, qkv[q_at.y + c2]) + dot(k3, qkv[q_at.y + c3]),
        dot(k0, qkv[q_at.z + c0]) + dot(k1, qkv[q_at.z + c1]) + dot(k2, qkv[q_at.z + c2]) + dot(k3, qkv[q_at.z + c3]),
        dot(k0, qkv[q_at.w + c0]) + dot(k1, qkv[q_at.w + c1]) + dot(k2, qkv[q_at.w + c2]) + dot(k3, qkv[q_at.w + c3]),
      ), lane);
      let dp = over_slices(vec4f(
        dot(v0, d_o[g_at.x + c0]) + dot(v1, d_o[g_at.x + c1]) + dot(v2, d_o[g_at.x + c2]) + dot(v3, d_o[g_at.x + c3]),
        dot(v0, d_o[g_at.y + c0]) + dot(v1, d_o[g_at.y + c1]) + dot(v2, d_o[g_at.y + c2]) + dot(v3, d_o[g_at.y + c3]),
        dot(v0, d_o[g_at.z + c0]) + dot(v1, d_o[g_at.z + c1]) + dot(v2, d_o[g_at.z + c2]) + dot(v3, d_o[g_at.z + c3]),
        dot(v0, d_o[g_at.w + c0]) + dot(v1, d_o[g_at.w + c1]) + dot(v2, d_o[g_at.w + c2]) + dot(v3, d_o[g_at.w + c3]),
      ), lane);
      let lses = vec4f(lse[stat.x], lse[stat.y], lse[stat.z], lse[stat.w]) * LOG2_E;
      let deltas = vec4f(delta[stat.x], delta[stat.y], delta[stat.z], delta[stat.w]);
      let w = select(vec4f(), exp2(s - lses), ts < vec4u(count));
      let ds = w * (dp - deltas);
      dv0 += w.x * d_o[g_at.x + c0] + w.y * d_o[g_at.y + c0] + w.z * d_o[g_at.z + c0] + w.w * d_o[g_at.w + c0];
      dv1 += w.x * d_o[g_at.x + c1] + w.y * d_o[g_at.y + c1] + w.z * d_o[g_at.z + c1] + w.w * d_o[g_at.w + c1];
      dv2 += w.x * d_o[g_at.x + c2] + w.y * d_o[g_at.y + c2] + w.z * d_o[g_at.z + c2] + w.w * d_o[g_at.w + c2];
      dv3 += w.x * d_o[g_at.x + c3] + w.y * d_o[g_at.y + c3] + w.z * d_o[g_at.z + c3] + w.w * d_o[g_at.w + c3];
      dk0 += ds.x * qkv[q_at.x + c0] + ds.y * qkv[q_at.y + c0] + ds.z * qkv[q_at.z + c0] + ds.w * qkv[q_at.w + c0];
      dk1 += ds.x * qkv[q_at.x + c1] + ds.y * qkv[q_at.y + c1] + ds.z * qkv[q_at.z + c1] + ds.w * qkv[q_at.w + c1];
      dk2 += ds.x * qkv[q_at.x + c2] + ds.y * qkv[q_at.y + c2] + ds.z * qkv[q_at.z + c2] + ds.w * qkv[q_at.w + c2];
      dk3 += ds.x * qkv[q_at.x + c3] + ds.y * qkv[q_at.y + c3] + ds.z * qkv[q_at.z + c3] + ds.w * qkv[q_at.w + c3];
    }
  }
  if (!live) { return; }
  let dk_at = key * p.d_stride + (p.heads + kv_head) * HEAD_VECS;
  let dv_at = dk_at + p.heads / p.group * HEAD_VECS;
  d_qkv[dk_at + c0] = dk0 * p.scale;
  d_qkv[dv_at + c0] = dv0;
  if (c0 + 1u < HEAD_VECS) { d_qkv[dk_at + c1] = dk1 * p.scale; d_qkv[dv_at + c1] = dv1; }
  if (c0 + 2u < HEAD_VECS) { d_qkv[dk_at + c2] = dk2 * p.scale; d_qkv[dv_at + c2] = dv2; }
  if (c0 + 3u < HEAD_VECS) { d_qkv[dk_at + c3] = dk3 * p.scale; d_qkv[dv_at + c3] = dv3; }
}
