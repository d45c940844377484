// The attention of one decoding step, from the projections of each sequence's token:
//   x = qkv[i] + h[i] B^T       the adapter's part, for those of q, k and v that have one
//   q, k <- x / rms(x) * w      the head norms (Qwen3)
//   q, k <- rotated by the token's position
//   cache row of the token <- k | v
//   o_i = sum_j softmax_j(scale * q . k_j) v_j      over the keys of spans[i], its own included
// Spans are those of attention.wgsl. The token's own key is the last one, and its position is the
// number of keys before it. Sizes count vec4s: qkv [rows, heads + 2 kv_heads], cache rows
// k (kv_heads) | v (kv_heads), o [rows, heads], each head HEAD_VECS long.
//
// A workgroup computes HEADS query heads that share a key head. SLICES neighbouring invocations
// load one key and its value, VECS vec4s of a head each, and SPLITS keys are loaded at the same
// time. Each of the SPLITS has an online softmax of its own over its keys; at the end they are
// merged. With IN_PARTS, `parts` workgroups have equal shares of a row's keys, the first of them the
// token's own as well, and attention-decode-merge.wgsl merges what they store in place of o:
//   partials[rows, heads, parts] = sum (HEAD_VECS) | (maximum, total)
// Workgroups: x over query heads, y over rows, z over parts.
const LOG2_E = 1.4426950408889634;
const MASKED = -1e30;

const HEAD_DIM = 4u * HEAD_VECS;
const HALF = HEAD_DIM / 2u;
const SLICES = HEAD_VECS / VECS;
const CHUNK = KEYS * SPLITS;
// Odd, so that invocations that add up the products of neighbouring keys use different banks.
const PITCH = SLICES | 1u;

struct Params {
  heads: u32,
  kv_heads: u32,
  scale: f32,
  step: u32,
  eps: f32,
  @for r RING
  window: u32,
  first_own: u32,
  own_rows: u32,
  ring: u32,
  @end r
  @for p IN_PARTS
  parts: u32,
  @end p
  first_y: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> spans: array<vec4u>;
@group(0) @binding(2) var<storage, read> frequencies: array<f32>;
@group(0) @binding(3) var<storage, read_write> cache: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

// The queries, the key and the value of the token; then products; then the sums of the splits.
var<workgroup> scratch: array<f32, SCRATCH>;
// The queries and the key, rotated.
var<workgroup> turned: array<f32, (HEADS + 1u) * HEAD_DIM>;
// Squares; then scores; then maxima and totals of the splits.
var<workgroup> scores: array<f32, SCORES>;

@compute @workgroup_size(LANES)
fn main(
  @builtin(local_invocation_index) lane: u32,
  @builtin(workgroup_id) block: vec3u,
) {
  let row = block.y + p.first_y;
  let first_head = block.x * HEADS;
  let kv_head = first_head / (p.heads / p.kv_heads);
  var span = spans[row];
  var prefix = span.y - span.x;
  var own_row = span.w + p.step - 1u;
  // Keys before the token's own.
  var count = prefix + own_row - span.z;
  let position = count;
  @for r RING
  own_row = ring_row(span);
  span = ring_span(span);
  prefix = span.y - span.x;
  count = prefix + span.w - span.z - 1u;
  // In a full ring, the token's own row is not the last.
  let own_place = prefix + own_row - span.z;
  @end r
  // The keys of this part, from `begin` on: none where there are more parts than keys.
  var part = 0u;
  var begin = 0u;
  var end = count;
  @for p IN_PARTS
  part = block.z;
  let share = (count + p.parts - 1u) / p.parts;
  begin = part * share;
  end = min(begin + share, count);
  @end p

  for (var i = lane; i < (HEADS + 2u) * HEAD_VECS; i += LANES) {
    let slot = i / HEAD_VECS;
    var head = first_head + slot;
    if (slot == HEADS) { head = p.heads + kv_head; }
    if (slot > HEADS) { head = p.heads + p.kv_heads + kv_head; }
    let at = head * HEAD_VECS + i % HEAD_VECS;
    let x = qkv[row * (p.heads + 2u * p.kv_heads) * HEAD_VECS + at] + adapted(row, at, slot);
    scratch[4u * i] = x.x;
    scratch[4u * i + 1u] = x.y;
    scratch[4u * i + 2u] = x.z;
    scratch[4u * i + 3u] = x.w;
    @for n NORMED
    scores[i] = dot(x, x);
    @end n
  }
  workgroupBarrier();

  for (var i = lane; i < (HEADS + 1u) * HALF; i += LANES) {
    let slot = i / HALF;
    let c = i % HALF;
    // The first TURNED pairs are rotated. The others stay, as the rest of a head.
    let turns = c < TURNED;
    let low = c + select(TURNED, 0u, turns);
    let apart = select(HALF - TURNED, TURNED, turns);
    let at = slot * HEAD_DIM + low;
    var x = vec2f(scratch[at], scratch[at + apart]);
    @for n NORMED
    var squares = 0.0;
    for (var v = 0u; v < HEAD_VECS; v++) { squares += scores[slot * HEAD_VECS + v]; }
    let weight = low + select(Q_NORM, K_NORM, slot == HEADS);
    x *= inverseSqrt(squares / f32(HEAD_DIM) + p.eps) *
      vec2f(norm_weights[weight], norm_weights[weight + apart]);
    @end n
    // exp2 is cheaper than exp.
    x *= select(p.scale * LOG2_E, 1.0, slot == HEADS);
    let turn = turn_by(f32(position) * frequencies[min(c, TURNED - 1u)]);
    let rotated = vec2f(x.x * turn.cosine - x.y * turn.sine, x.y * turn.cosine + x.x * turn.sine);
    x = select(x, TURN_FACTOR * rotated, turns);
    turned[at] = x.x;
    turned[at + apart] = x.y;
  }
  workgroupBarrier();

  let slice = lane % SLICES;
  let split = lane / SLICES;
  let takes_part = split < SPLITS;
  let kv_vecs = p.kv_heads * HEAD_VECS;
  @for v VECS
  let column_{v} = slice + {v}u * SLICES;
  let of_head_{v} = kv_head * HEAD_VECS + column_{v};
  let own_key_{v} = turned_at(HEADS, column_{v});
  @end v
  @for h HEADS
  var top_{h} = 0.0;
  var total_{h} = 0.0;
  @for v VECS
  let q_{h}_{v} = turned_at({h}u, column_{v});
  var sum_{h}_{v} = vec4f();
  top_{h} += dot(q_{h}_{v}, own_key_{v});
  @end v
  @end h
  @for s SLICED
  if (split == 0u) {
    @for h HEADS
    scores[{h}u * SLICES + slice] = top_{h};
    @end h
  }
  @end s
  // The first split begins with the token's own key, which is not read from the cache: only this
  // workgroup is sure to see it.
  if (split == 0u && part == 0u) {
    @for v VECS
    let own_value_{v} = scratch_at((HEADS + 1u) * HEAD_VECS + column_{v});
    if (first_head % (p.heads / p.kv_heads) == 0u) {
      cache[own_row * 2u * kv_vecs + of_head_{v}] = own_key_{v};
      cache[own_row * 2u * kv_vecs + kv_vecs + of_head_{v}] = own_value_{v};
    }
    @end v
    @for h HEADS
    total_{h} = 1.0;
    @for v VECS
    sum_{h}_{v} = own_value_{v};
    @end v
    @end h
  }
  @for s SLICED
  workgroupBarrier();
  @for h HEADS
  top_{h} = 0.0;
  for (var i = 0u; i < SLICES; i++) { top_{h} += scores[{h}u * SLICES + i]; }
  @end h
  @end s

  for (var start = begin; start < end; start += CHUNK) {
    @for k KEYS
    let place_{k} = {k}u * SPLITS + split;
    var key_{k} = min(start + place_{k}, end - 1u);
    @for r RING
    key_{k} += select(0u, 1u, key_{k} >= own_place);
    @end r
    let at_{k} = key_row(key_{k}, span, prefix) * 2u * kv_vecs;
    @end k
    @for k KEYS
    @for v VECS
    let key_{k}_{v} = cache[at_{k} + of_head_{v}];
    let value_{k}_{v} = cache[at_{k} + kv_vecs + of_head_{v}];
    @end v
    @end k
    @for h HEADS
    @for k KEYS
    var score_{h}_{k} = 0.0;
    @for v VECS
    score_{h}_{k} += dot(q_{h}_{v}, key_{k}_{v});
    @end v
    @end k
    @end h
    @for s SLICED
    if (takes_part) {
      @for h HEADS
      @for k KEYS
      scratch[({h}u * CHUNK + place_{k}) * PITCH + slice] = score_{h}_{k};
      @end k
      @end h
    }
    workgroupBarrier();
    for (var i = lane; i < HEADS * CHUNK; i += LANES) {
      var score = 0.0;
      for (var c = 0u; c < SLICES; c++) { score += scratch[i * PITCH + c]; }
      scores[i] = score;
    }
    workgroupBarrier();
    if (takes_part) {
      @for h HEADS
      @for k KEYS
      score_{h}_{k} = scores[{h}u * CHUNK + place_{k}];
      @end k
      @end h
    }
    @end s
    @for h HEADS
    var raised_{h} = top_{h};
    @for k KEYS
    score_{h}_{k} = select(MASKED, score_{h}_{k}, start + place_{k} < end);
    raised_{h} = max(raised_{h}, score_{h}_{k});
    @end k
    let keep_{h} = exp2(top_{h} - raised_{h});
    top_{h} = raised_{h};
    total_{h} *= keep_{h};
    @for v VECS
    sum_{h}_{v} *= keep_{h};
    @end v
    @for k KEYS
    let weight_{h}_{k} = exp2(score_{h}_{k} - raised_{h});
    total_{h} += weight_{h}_{k};
    @for v VECS
    sum_{h}_{v} += weight_{h}_{k} * value_{k}_{v};
    @end v
    @end k
    @end h
  }

  // Scratch and scores are no longer read.
  workgroupBarrier();
  if (takes_part) {
    @for h HEADS
    let split_{h} = {h}u * SPLITS + split;
    @for v VECS
    let to_{h}_{v} = 4u * (split_{h} * HEAD_VECS + column_{v});
    scratch[to_{h}_{v}] = sum_{h}_{v}.x;
    scratch[to_{h}_{v} + 1u] = sum_{h}_{v}.y;
    scratch[to_{h}_{v} + 2u] = sum_{h}_{v}.z;
    scratch[to_{h}_{v} + 3u] = sum_{h}_{v}.w;
    @end v
    if (slice == 0u) {
      scores[2u * split_{h}] = top_{h};
      scores[2u * split_{h} + 1u] = total_{h};
    }
    @end h
  }
  workgroupBarrier();
  for (var i = lane; i < HEADS * HEAD_VECS; i += LANES) {
    let first = i / HEAD_VECS * SPLITS;
    var top = scores[2u * first];
    for (var s = first + 1u; s < first + SPLITS; s++) { top = max(top, scores[2u * s]); }
    var sum = vec4f();
    var total = 0.0;
    for (var s = first; s < first + SPLITS; s++) {
      let weight = exp2(scores[2u * s] - top);
      sum += weight * scratch_at(s * HEAD_VECS + i % HEAD_VECS);
      total += weight * scores[2u * s + 1u];
    }
    @for w WHOLE
    output[(row * p.heads + first_head) * HEAD_VECS + i] = sum / total;
    @end w
    @for p IN_PARTS
    let head = first_head + i / HEAD_VECS;
    let at = ((row * p.heads + head) * p.parts + part) * (HEAD_VECS + 1u);
    output[at + i % HEAD_VECS] = sum;
    if (i % HEAD_VECS == 0u) { output[at + HEAD_VECS] = vec4f(top, total, 0.0, 0.0); }
    @end p
  }
}

// Column `column` of a query, or, as number HEADS, of the key.
fn turned_at(slot: u32, column: u32) -> vec4f {
  let at = slot * HEAD_DIM + 4u * column;
  return vec4f(turned[at], turned[at + 1u], turned[at + 2u], turned[at + 3u]);
}

fn scratch_at(i: u32) -> vec4f {
  let at = 4u * i;
  return vec4f(scratch[at], scratch[at + 1u], scratch[at + 2u], scratch[at + 3u]);
}

// The cache row of the t-th key: the keys of the prefix come first, then those of the sequence.
fn key_row(t: u32, span: vec4u, prefix: u32) -> u32 {
  return t + select(span.z - prefix, span.x, t < prefix);
}
