// o_i = sum_j softmax_j(scale * q_i . k_j) v_j,   lse_i = log sum_j exp(scale * q_i . k_j)
// over the keys j of spans[i] = (prefix start, prefix end, segment start, segment end):
// [x, y) and then [z, w + step). Online softmax: no [tokens, keys] buffer.
// q [tokens, q_stride], kv [*, kv_stride]: packed rows; head h starts at q_offset + h * head_dim of
// a row, its key and value at k_offset / v_offset + (h / group) * head_dim.
// o [tokens, heads * head_dim], lse [tokens, heads]. Strides and offsets here count vec4s.
// A workgroup takes ROWS queries of one head; SLICES threads share a query, 4 vec4s each.
// The lanes of a tile walk the same keys, so that a key is read once for all of them.

override ROWS: u32 = 64u;
override SLICES: u32 = 1u;
override HEAD_VECS: u32 = 4u;

const LOG2_E = 1.4426950408889634;
const MASKED = -1e30;

struct Params {
  tokens: u32,
  heads: u32,
  group: u32,
  scale: f32,
  q_stride: u32,
  q_offset: u32,
  kv_stride: u32,
  k_offset: u32,
  v_offset: u32,
  step: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> kv: array<vec4f>;
@group(0) @binding(2) var<storage, read> spans: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(ROWS, SLICES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) block: vec3u,
) {
  let head = block.y;
  let live = block.x * ROWS + lane.x < p.tokens;
  let query = min(block.x * ROWS + lane.x, p.tokens - 1u);
  // Of a head_dim that is no multiple of 16 the last slice re-reads its last vec4, against zeros.
  let c0 = lane.y * 4u;
  let c1 = min(c0 + 1u, HEAD_VECS - 1u);
  let c2 = min(c0 + 2u, HEAD_VECS - 1u);
  let c3 = min(c0 + 3u, HEAD_VECS - 1u);
  let q_at = query * p.q_stride + p.q_offset + head * HEAD_VECS;
  let scale = p.scale * LOG2_E;
  let q0 = q[q_at + c0] * scale;
  let q1 = q[q_at + c1] * select(0.0, scale, c0 + 1u < HEAD_VECS);
  let q2 = q[q_at + c2] * select(0.0, scale, c0 + 2u < HEAD_VECS);
  let q3 = q[q_at + c3] * select(0.0, scale, c0 + 3u < HEAD_VECS);

  let span = spans[query];
  let prefix = span.y - span.x;
  let count = prefix + span.w + p.step - span.z;
  let k_head = p.k_offset + head / p.group * HEAD_VECS;
  let v_head = p.v_offset + head / p.group * HEAD_VECS;

  var o0 = vec4f();
  var o1 = vec4f();
  var o2 = vec4f();
  var o3 = vec4f();
  var maximum_score = MASKED;
  var total = 0.0;
  let end = longest(count);
  for (var t = 0u; t < end; t += 4u) {
    // The t-th key of this query: the prefix's, then the segment's.
    let ts = vec4u(t, t + 1u, t + 2u, t + 3u);
    let at = min(ts, vec4u(count - 1u));
    let rows = (at + select(vec4u(span.z - prefix), vec4u(span.x), at < vec4u(prefix))) * p.kv_stride;
    let k_at = rows + k_head;
    let shares = vec4f(
      dot(q0, kv[k_at.x + c0]) + dot(q1, kv[k_at.x + c1]) + dot(q2, kv[k_at.x + c2]) + dot(q3, kv[k_at.x + c3]),
      dot(q0, kv[k_at.y + c0]) + dot(q1, kv[k_at.y + c1]) + dot(q2, kv[k_at.y + c2]) + dot(q3, kv[k_at.y + c3]),
      dot(q0, kv[k_at.z + c0]) + dot(q1, kv[k_at.z + c1]) + dot(q2, kv[k_at.z + c2]) + dot(q3, kv[k_at.z + c3]),
      dot(q0, kv[k_at.w + c0]) + dot(q1, kv[k_at.w + c1]) + dot(q2, kv[k_at.w + c2]) + dot(q3, kv[k_at.w + c3]),
    );
    let scores = select(vec4f(MASKED), over_slices(shares, lane), ts < vec4u(count));
    let raised = max(maximum_score, max(max(scores.x, scores.y), max(scores.z, scores.w)));
    let keep = exp2(maximum_score - raised);
    let w = exp2(scores - raised);
    maximum_score = raised;
    total = total * keep + w.x + w.y + w.z + w.w;
    let v_at = rows + v_head;
    o0 = o0 * keep + w.x * kv[v_at.x + c0] + w.y * kv[v_at.y + c0] + w.z * kv[v_at.z + c0] + w.w * kv[v_at.w + c0];
    o1 = o1 * keep + w.x * kv[v_at.x + c1] + w.y * kv[v_at.y + c1] + w.z * kv[v_at.z + c1] + w.w * kv[v_at.w + c1];
    o2 = o2 * keep + w.x * kv[v_at.x + c2] + w.y * kv[v_at.y + c2] + w.z * kv[v_at.z + c2] + w.w * kv[v_at.w + c2];
    o3 = o3 * keep + w.x * kv[v_at.x + c3] + w.y * kv[v_at.y + c3] + w.z * kv[v_at.z + c3] + w.w * kv[v_at.w + c3];
  }
  if (!live) { return; }
  let o_at = (query * p.heads + head) * HEAD_VECS;
  let weight = 1.0 / total;
  o[o_at + c0] = o0 * weight;
  if (c0 + 1u < HEAD_VECS) { o[o_at + c1] = o1 * weight; }
  if (c0 + 2u < HEAD_VECS) { o[o_at + c2] = o2 * weight; }
  if (c0 + 3u < HEAD_VECS) { o[o_at + c3] = o3 * weight; }
  if (lane.y == 0u) { lse[query * p.heads + head] = (maximum_score + log2(total)) / LOG2_E; }
}
