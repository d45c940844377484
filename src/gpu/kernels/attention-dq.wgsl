// With P_ij = exp(scale * q_i . k_j - lse_i) and delta_i = dO_i . o_i:
//   dq_i = scale * sum_j P_ij (dO_i . v_j - delta_i) k_j
// One owner per query; delta [tokens, heads] is kept for attention-dkv.wgsl. Shapes, spans and the
// tiling are those of attention.wgsl; q and kv are the one packed buffer qkv [tokens, stride].

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
@group(0) @binding(1) var<storage, read> o: array<vec4f>;
@group(0) @binding(2) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> spans: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> delta: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_qkv: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(ROWS, SLICES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) block: vec3u,
) {
  let head = block.y;
  let live = block.x * ROWS + lane.x < p.tokens;
  let query = min(block.x * ROWS + lane.x, p.tokens - 1u);
  let c0 = lane.y * 4u;
  let c1 = min(c0 + 1u, HEAD_VECS - 1u);
  let c2 = min(c0 + 2u, HEAD_VECS - 1u);
  let c3 = min(c0 + 3u, HEAD_VECS - 1u);
  let on1 = select(0.0, 1.0, c0 + 1u < HEAD_VECS);
  let on2 = select(0.0, 1.0, c0 + 2u < HEAD_VECS);
  let on3 = select(0.0, 1.0, c0 + 3u < HEAD_VECS);
  let q_at = query * p.stride + head * HEAD_VECS;
  let scale = p.scale * LOG2_E;
  let q0 = qkv[q_at + c0] * scale;
  let q1 = qkv[q_at + c1] * scale * on1;
  let q2 = qkv[q_at + c2] * scale * on2;
  let q3 = qkv[q_at + c3] * scale * on3;
  let o_at = (query * p.heads + head) * HEAD_VECS;
  let g0 = d_o[o_at + c0];
  let g1 = d_o[o_at + c1] * on1;
  let g2 = d_o[o_at + c2] * on2;
  let g3 = d_o[o_at + c3] * on3;
  let delta_share = dot(g0, o[o_at + c0]) + dot(g1, o[o_at + c1]) + dot(g2, o[o_at + c2]) + dot(g3, o[o_at + c3]);
  let delta_i = over_slices(vec4f(delta_share), lane).x;
  let lse_i = lse[query * p.heads + head] * LOG2_E;

  let span = spans[query];
  let prefix = span.y - span.x;
  let count = prefix + span.w - span.z;
  let k_head = p.k_offset + head / p.group * HEAD_VECS;
  let v_head = p.v_offset + head / p.group * HEAD_VECS;

  var dq0 = vec4f();
  var dq1 = vec4f();
  var dq2 = vec4f();
  var dq3 = vec4f();
  let end = longest(count);
  for (var t = 0u; t < end; t += 4u) {
    let ts = vec4u(t, t + 1u, t + 2u, t + 3u);
    let at = min(ts, vec4u(count - 1u));
    let rows = (at + select(vec4u(span.z - prefix), vec4u(span.x), at < vec4u(prefix))) * p.stride;
    let k_at = rows + k_head;
    let v_at = rows + v_head;
    let s = over_slices(vec4f(
      dot(q0, qkv[k_at.x + c0]) + dot(q1, qkv[k_at.x + c1]) + dot(q2, qkv[k_at.x + c2]) + dot(q3, qkv[k_at.x + c3]),
      dot(q0, qkv[k_at.y + c0]) + dot(q1, qkv[k_at.y + c1]) + dot(q2, qkv[k_at.y + c2]) + dot(q3, qkv[k_at.y + c3]),
      dot(q0, qkv[k_at.z + c0]) + dot(q1, qkv[k_at.z + c1]) + dot(q2, qkv[k_at.z + c2]) + dot(q3, qkv[k_at.z + c3]),
      dot(q0, qkv[k_at.w + c0]) + dot(q1, qkv[k_at.w + c1]) + dot(q2, qkv[k_at.w + c2]) + dot(q3, qkv[k_at.w + c3]),
    ), lane);
    let dp = over_slices(vec4f(
      dot(g0, qkv[v_at.x + c0]) + dot(g1, qkv[v_at.x + c1]) + dot(g2, qkv[v_at.x + c2]) + dot(g3, qkv[v_at.x + c3]),
      dot(g0, qkv[v_at.y + c0]) + dot(g1, qkv[v_at.y + c1]) + dot(g2, qkv[v_at.y + c2]) + dot(g3, qkv[v_at.y + c3]),
      dot(g0, qkv[v_at.z + c0]) + dot(g1, qkv[v_at.z + c1]) + dot(g2, qkv[v_at.z + c2]) + dot(g3, qkv[v_at.z + c3]),
      dot(g0, qkv[v_at.w + c0]) + dot(g1, qkv[v_at.w + c1]) + dot(g2, qkv[v_at.w + c2]) + dot(g3, qkv[v_at.w + c3]),
    ), lane);
    let ds = select(vec4f(), exp2(s - lse_i) * (dp - delta_i), ts < vec4u(count));
    dq0 += ds.x * qkv[k_at.x + c0] + ds.y * qkv[k_at.y + c0] + ds.z * qkv[k_at.z + c0] + ds.w * qkv[k_at.w + c0];
    dq1 += ds.x * qkv[k_at.x + c1] + ds.y * qkv[k_at.y + c1] + ds.z * qkv[k_at.z + c1] + ds.w * qkv[k_at.w + c1];
    dq2 += ds.x * qkv[k_at.x + c2] + ds.y * qkv[k_at.y + c2] + ds.z * qkv[k_at.z + c2] + ds.w * qkv[k_at.w + c2];
    dq3 += ds.x * qkv[k_at.x + c3] + ds.y * qkv[k_at.y + c3] + ds.z * qkv[k_at.z + c3] + ds.w * qkv[k_at.w + c3];
  }
  if (!live) { return; }
  let d_at = query * p.d_stride + head * HEAD_VECS;
  d_qkv[d_at + c0] = dq0 * p.scale;
  if (c0 + 1u < HEAD_VECS) { d_qkv[d_at + c1] = dq1 * p.scale; }
  if (c0 + 2u < HEAD_VECS) { d_qkv[d_at + c2] = dq2 * p.scale; }
  if (c0 + 3u < HEAD_VECS) { d_qkv[d_at + c3] = dq3 * p.scale; }
  if (lane.y == 0u) { delta[query * p.heads + head] = delta_i; }
}
