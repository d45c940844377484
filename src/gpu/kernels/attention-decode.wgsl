// o_i = sum_j softmax_j(scale * q_i . k_j) v_j over the keys j of spans[i], for few queries with
// many keys. Shapes, spans and units are those of attention.wgsl; there is no lse.
//
// A workgroup computes one head of one query, with online softmax over chunks of 64 keys. In each
// chunk an invocation first computes the score of one key; then it accumulates one vec4 of o over
// every SPLITS-th value. At the end the SPLITS partial sums of each vec4 are added.
// Workgroups: x over heads, y over queries.

override HEAD_VECS: u32 = 4u;
override SPLITS: u32 = 16u;

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
  first_group: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> kv: array<vec4f>;
@group(0) @binding(2) var<storage, read> spans: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> o: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

var<workgroup> scores: array<f32, 64>;
var<workgroup> weights: array<f32, 64>;
var<workgroup> sums: array<vec4f, 64>;
var<workgroup> totals: array<f32, 64>;

@compute @workgroup_size(64)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) block: vec3u,
) {
  let head = block.x;
  let query = block.y + p.first_group;
  let span = spans[query];
  let prefix = span.y - span.x;
  let count = prefix + span.w + p.step - span.z;
  let q_at = query * p.q_stride + p.q_offset + head * HEAD_VECS;
  let k_head = p.k_offset + head / p.group * HEAD_VECS;
  let v_head = p.v_offset + head / p.group * HEAD_VECS;
  let column = lane % HEAD_VECS;
  let split = lane / HEAD_VECS;

  var sum = vec4f();
  var total = 0.0;
  var maximum_score = MASKED;
  for (var start = 0u; start < count; start += 64u) {
    let filled = min(64u, count - start);
    if (lane < filled) {
      let k_at = key_row(start + lane, span, prefix) * p.kv_stride + k_head;
      var score = 0.0;
      for (var c = 0u; c < HEAD_VECS; c++) { score += dot(q[q_at + c], kv[k_at + c]); }
      scores[lane] = score * p.scale * LOG2_E;
    }
    workgroupBarrier();
    var raised = maximum_score;
    for (var i = 0u; i < filled; i++) { raised = max(raised, scores[i]); }
    if (lane < filled) { weights[lane] = exp2(scores[lane] - raised); }
    workgroupBarrier();
    let keep = exp2(maximum_score - raised);
    maximum_score = raised;
    sum *= keep;
    total *= keep;
    if (split < SPLITS) {
      for (var i = split; i < filled; i += SPLITS) {
        let v_at = key_row(start + i, span, prefix) * p.kv_stride + v_head;
        sum += weights[i] * kv[v_at + column];
        total += weights[i];
      }
    }
  }
  sums[lane] = sum;
  totals[lane] = total;
  workgroupBarrier();
  if (split > 0u) { return; }
  for (var i = lane + HEAD_VECS; i < SPLITS * HEAD_VECS; i += HEAD_VECS) {
    sum += sums[i];
    total += totals[i];
  }
  o[(query * p.heads + head) * HEAD_VECS + lane] = sum / total;
}

// The kv row of a query's t-th key: the keys of the prefix come first, then those of the segment.
fn key_row(t: u32, span: vec4u, prefix: u32) -> u32 {
  return t + select(span.z - prefix, span.x, t < prefix);
}
