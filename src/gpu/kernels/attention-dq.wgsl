// Backward of attention.wgsl for the queries. With P_ij = exp(scale * q_i . k_j - lse_i) and
// delta_i = dO_i . o_i:
//   dq_i = scale * sum_j P_ij (dO_i . v_j - delta_i) k_j     over the keys j of spans[i]
// qkv [tokens, stride] has q (at 0), k and v of a token in one row; d_qkv [tokens, d_stride] is
// dq | dk | dv. o, d_o [tokens, heads * head_dim]; lse, delta [tokens, heads]; attention-dkv.wgsl
// reads delta. Spans, units and the cut into invocations are those of attention.wgsl; an invocation
// owns the gradients of its queries.
// Parameters and buffers: attention-dq-declarations.wgsl.

@compute @workgroup_size(TILES, SLICES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) block: vec3u,
) {
  let first = ((block.x + p.first_x) * TILES + lane.x) * ROWS;
  let head = (block.y + p.first_y) * HEADS;
  let slice = lane.y * VECS;
  let k_head = p.k_offset + head / p.group * HEAD_VECS + slice;
  let v_head = p.v_offset + head / p.group * HEAD_VECS + slice;
  let scale = p.scale * LOG2_E;
  let stride = p.stride;
  let place = lane.x % SHARERS;
  @for r ROWS
  let query{r} = min(first + {r}u, p.tokens - 1u);
  let span{r} = spans[query{r}];
  @for h HEADS
  let stat{r}_{h} = query{r} * p.heads + head + {h}u;
  let lse{r}_{h} = lse[stat{r}_{h}] * LOG2_E;
  var share{r}_{h} = 0.0;
  @for c VECS
  let q{r}_{h}_{c} = qkv[query{r} * stride + (head + {h}u) * HEAD_VECS + slice + {c}u] * scale;
  let g{r}_{h}_{c} = d_o[stat{r}_{h} * HEAD_VECS + slice + {c}u];
  share{r}_{h} += dot(g{r}_{h}_{c}, o[stat{r}_{h} * HEAD_VECS + slice + {c}u]);
  var dq{r}_{h}_{c} = vec4f();
  @end c
  let delta{r}_{h} = over_slices(vec4f(share{r}_{h}), lane).x;
  if (slice == 0u && first + {r}u < p.tokens) { delta[stat{r}_{h}] = delta{r}_{h}; }
  @end h
  @end r

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
    let span = select(spans[min(top_query + walk, p.tokens - 1u)], whole, joint);
    let count = select(0u, length_of(span), walk == 0u || !joint);
    let end = longest(count, lane);
    for (var t = 0u; t < end; t += 4u) {
      let rows = rows_from(t, span);
      let k_at = rows * stride + k_head;
      let v_at = rows * stride + v_head;
      let fresh = vec4u(t, t + 1u, t + 2u, t + 3u) < vec4u(count);
      @for r ROWS
      let sees{r} = within(rows, span{r}) & fresh & vec4<bool>(joint || top_query + walk == first + {r}u);
      @for h HEADS
      var s{r}_{h} = vec4f();
      var dp{r}_{h} = vec4f();
      @end h
      @end r
      @for n FOUR
      @for s SHARED
      let k{n} = array(
        @for g FOURS
        qkv[k_at[{n}] + {g}u * 4u + place],
        @end g
      );
      let v{n} = array(
        @for g FOURS
        qkv[v_at[{n}] + {g}u * 4u + place],
        @end g
      );
      @end s
      @for c VECS
      @for s SHARED
      let k{n}_{c} = quadBroadcast(k{n}[{c}u / 4u], {c}u % 4u);
      let v{n}_{c} = quadBroadcast(v{n}[{c}u / 4u], {c}u % 4u);
      @end s
      @for s OWN
      let k{n}_{c} = qkv[k_at[{n}] + {c}u];
      let v{n}_{c} = qkv[v_at[{n}] + {c}u];
      @end s
      @for r ROWS
      @for h HEADS
      s{r}_{h}[{n}] += dot(q{r}_{h}_{c}, k{n}_{c});
      dp{r}_{h}[{n}] += dot(g{r}_{h}_{c}, v{n}_{c});
      @end h
      @end r
      @end c
      @end n
      @for r ROWS
      @for h HEADS
      s{r}_{h} = over_slices(s{r}_{h}, lane);
      dp{r}_{h} = over_slices(dp{r}_{h}, lane);
      let w{r}_{h} = exp2(s{r}_{h} - lse{r}_{h});
      let ds{r}_{h} = select(vec4f(), w{r}_{h} * (dp{r}_{h} - delta{r}_{h}), sees{r});
      @for n FOUR
      @for c VECS
      dq{r}_{h}_{c} += ds{r}_{h}[{n}] * k{n}_{c};
      @end c
      @end n
      @end h
      @end r
    }
  }
  @for r ROWS
  if (first + {r}u < p.tokens) {
    @for h HEADS
    let d_at{h} = query{r} * p.d_stride + (head + {h}u) * HEAD_VECS + slice;
    @for c VECS
    d_qkv[d_at{h} + {c}u] = dq{r}_{h}_{c} * p.scale;
    @end c
    @end h
  }
  @end r
}
