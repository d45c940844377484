// o_i = sum_j softmax_j(scale * q_i . k_j) v_j,   lse_i = log sum_j exp(scale * q_i . k_j)
// over the keys j of spans[i] = (prefix start, prefix end, segment start, segment end):
// [x, y) and then [z, w). Online softmax: no [tokens, keys] buffer.
// q [tokens, q_stride], kv [*, kv_stride]: packed rows. Query head h starts at q_offset +
// h * head_dim of a row, its key and value at k_offset and v_offset + (h / group) * head_dim.
// o [tokens, heads * head_dim], lse [tokens, heads]. Strides and offsets here count vec4s.
//
// One invocation computes ROWS neighbouring queries in HEADS heads of one group: each key that it
// loads serves all of them. q and the accumulators stay in registers. SLICES invocations share a
// head, each with VECS of its HEAD_VECS vec4s. The loop takes the keys four at a time.
// A workgroup has TILES x SLICES invocations. Workgroups: x over queries, y over heads.

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
  first_y: u32,
  first_x: u32,
}

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> kv: array<vec4f>;
@group(0) @binding(2) var<storage, read> spans: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(TILES, SLICES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) block: vec3u,
) {
  let first = ((block.x + p.first_x) * TILES + lane.x) * ROWS;
  let head = (block.y + p.first_y) * HEADS;
  let slice = lane.y * VECS;
  let q_head = p.q_offset + head * HEAD_VECS + slice;
  let k_head = p.k_offset + head / p.group * HEAD_VECS + slice;
  let v_head = p.v_offset + head / p.group * HEAD_VECS + slice;
  let scale = p.scale * LOG2_E;
  let kv_stride = p.kv_stride;
  let place = lane.x % SHARERS;
  @for r ROWS
  let query{r} = min(first + {r}u, p.tokens - 1u);
  let span{r} = spans[query{r}];
  @for h HEADS
  var top{r}_{h} = MASKED;
  var total{r}_{h} = 0.0;
  @for c VECS
  let q{r}_{h}_{c} = q[query{r} * p.q_stride + q_head + {h}u * HEAD_VECS + {c}u] * scale;
  var o{r}_{h}_{c} = vec4f();
  @end c
  @end h
  @end r

  // If `whole` covers the spans of all queries here, as in a packed batch, one walk over its keys
  // serves all of them. Else there is one walk for each query.
  var last = span0;
  @for r ROWS
  last = span{r};
  @end r
  let whole = vec4u(of_first(span0).xyz, of_last(last).w);
  var joint = true;
  @for r ROWS
  joint = joint && covers(whole, span{r});
  @end r
  joint = in_all(joint);
  let top_query = of_first(vec4u(first)).x;
  let walks = longest(select(ROWS * SHARERS, 1u, joint), lane);
  for (var walk = 0u; walk < walks; walk++) {
    let own = spans[min(top_query + walk, p.tokens - 1u)];
    let span = select(own, whole, joint);
    let count = select(0u, length_of(span), walk == 0u || !joint);
    let end = longest(count, lane);
    for (var t = 0u; t < end; t += 4u) {
      let rows = rows_from(t, span);
      let k_at = rows * kv_stride + k_head;
      let v_at = rows * kv_stride + v_head;
      let fresh = vec4u(t, t + 1u, t + 2u, t + 3u) < vec4u(count);
      @for r ROWS
      let sees{r} = within(rows, span{r}) & fresh & vec4<bool>(joint || top_query + walk == first + {r}u);
      @for h HEADS
      var s{r}_{h} = vec4f();
      @end h
      @end r
      @for n FOUR
      @for s SHARED
      let k{n} = array(
        @for g FOURS
        kv[k_at[{n}] + {g}u * 4u + place],
        @end g
      );
      @end s
      @for c VECS
      @for s SHARED
      let k{n}_{c} = quadBroadcast(k{n}[{c}u / 4u], {c}u % 4u);
      @end s
      @for s OWN
      let k{n}_{c} = kv[k_at[{n}] + {c}u];
      @end s
      @for r ROWS
      @for h HEADS
      s{r}_{h}[{n}] += dot(q{r}_{h}_{c}, k{n}_{c});
      @end h
      @end r
      @end c
      @end n
      @for r ROWS
      @for h HEADS
      s{r}_{h} = select(vec4f(MASKED), over_slices(s{r}_{h}, lane), sees{r});
      let raised{r}_{h} = max(
        max(top{r}_{h}, max(s{r}_{h}.x, s{r}_{h}.y)),
        max(s{r}_{h}.z, s{r}_{h}.w),
      );
      let keep{r}_{h} = exp2(top{r}_{h} - raised{r}_{h});
      let w{r}_{h} = exp2(s{r}_{h} - raised{r}_{h});
      top{r}_{h} = raised{r}_{h};
      total{r}_{h} = total{r}_{h} * keep{r}_{h} + dot(w{r}_{h}, vec4f(1.0));
      @for c VECS
      o{r}_{h}_{c} *= keep{r}_{h};
      @end c
      @end h
      @end r
      @for n FOUR
      @for s SHARED
      let v{n} = array(
        @for g FOURS
        kv[v_at[{n}] + {g}u * 4u + place],
        @end g
      );
      @end s
      @for c VECS
      @for s SHARED
      let v{n}_{c} = quadBroadcast(v{n}[{c}u / 4u], {c}u % 4u);
      @end s
      @for s OWN
      let v{n}_{c} = kv[v_at[{n}] + {c}u];
      @end s
      @for r ROWS
      @for h HEADS
      o{r}_{h}_{c} += w{r}_{h}[{n}] * v{n}_{c};
      @end h
      @end r
      @end c
      @end n
    }
  }
  @for r ROWS
  if (first + {r}u < p.tokens) {
    @for h HEADS
    let stat{h} = query{r} * p.heads + head + {h}u;
    let scale{h} = 1.0 / total{r}_{h};
    @for c VECS
    o[stat{h} * HEAD_VECS + slice + {c}u] = o{r}_{h}_{c} * scale{h};
    @end c
    if (slice == 0u) { lse[stat{h}] = (top{r}_{h} + log2(total{r}_{h})) / LOG2_E; }
    @end h
  }
  @end r
}
