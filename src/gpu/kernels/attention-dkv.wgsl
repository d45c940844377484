// Backward of attention.wgsl for the keys and values. With P_ij = exp(scale * q_i . k_j - lse_i):
//   dv_j = sum_i P_ij dO_i
//   dk_j = scale * sum_i P_ij (dO_i . v_j - delta_i) q_i
// over the viewers of key j, the queries i in [j, view_end[j]), in all query heads of its group; with
// a window, those of them whose position is less than `window` after that of the key.
// Shapes and units are those of attention-dq.wgsl, which has written delta [tokens, heads].
//
// One invocation owns the gradients of ROWS neighbouring keys of one key head. The accumulators
// stay in registers. SLICES invocations share a head, each with VECS of its HEAD_VECS vec4s. The
// loop takes the viewers four at a time, from the last one down.
// A workgroup has TILES x SLICES invocations. Workgroups: x over keys, y over key heads.
// Parameters and buffers: attention-dkv-declarations.wgsl.

@compute @workgroup_size(TILES, SLICES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) block: vec3u,
) {
  let first = ((block.x + p.first_x) * TILES + lane.x) * ROWS;
  let kv_head = block.y + p.first_y;
  let slice = lane.y * VECS;
  let k_head = p.k_offset + kv_head * HEAD_VECS + slice;
  let v_head = p.v_offset + kv_head * HEAD_VECS + slice;
  let scale = p.scale * LOG2_E;
  let stride = p.stride;
  let place = lane.x % SHARERS;
  let heads = p.heads;
  let group = p.group;
  var stop = 0u;
  @for r ROWS
  let key{r} = min(first + {r}u, p.tokens - 1u);
  let viewers{r} = view_end[key{r}] - key{r};
  @for w WINDOW
  let position{r} = positions[key{r}];
  @end w
  stop = max(stop, key{r} + viewers{r});
  @for c VECS
  let k{r}_{c} = qkv[key{r} * stride + k_head + {c}u] * scale;
  let v{r}_{c} = qkv[key{r} * stride + v_head + {c}u];
  var dk{r}_{c} = vec4f();
  var dv{r}_{c} = vec4f();
  @end c
  @end r

  stop = most_of(stop);
  let end = longest(stop - of_first(vec4u(key0)).x, lane);
  // The heads are the outer loop: what an inner loop carries, here all accumulators, is moved at its every
  // start and end.
  for (var h = 0u; h < group; h++) {
    let head = kv_head * group + h;
    for (var t = 0u; t < end; t += 4u) {
      // The last step may go below the first viewer. Those rows exist, but see no key here. Row 0 is
      // read in place of rows below 0; `inside` masks them, because row 0 may be a viewer itself.
      let back = vec4u(t, t + 1u, t + 2u, t + 3u);
      let queries = stop - 1u - min(back, vec4u(stop - 1u));
      let inside = back < vec4u(stop);
      @for w WINDOW
      let viewed_from = vec4u(
        positions[queries.x], positions[queries.y], positions[queries.z], positions[queries.w],
      );
      @end w
      let stats = queries * heads + head;
      let q_at = queries * stride + (head * HEAD_VECS + slice);
      let g_at = stats * HEAD_VECS + slice;
      @for r ROWS
      var s{r} = vec4f();
      var dp{r} = vec4f();
      @end r
      @for s SHARED
      let lse_here = lse[stats[place]] * LOG2_E;
      let delta_here = delta[stats[place]];
      @end s
      @for n FOUR
      @for s SHARED
      let lse{n} = quadBroadcast(lse_here, {n}u);
      let delta{n} = quadBroadcast(delta_here, {n}u);
      let q{n} = array(
        @for g FOURS
        qkv[q_at[{n}] + {g}u * 4u + place],
        @end g
      );
      let g{n} = array(
        @for g FOURS
        d_o[g_at[{n}] + {g}u * 4u + place],
        @end g
      );
      @end s
      @for s OWN
      let lse{n} = lse[stats[{n}]] * LOG2_E;
      let delta{n} = delta[stats[{n}]];
      @end s
      @for c VECS
      @for s SHARED
      let q{n}_{c} = quadBroadcast(q{n}[{c}u / 4u], {c}u % 4u);
      let g{n}_{c} = quadBroadcast(g{n}[{c}u / 4u], {c}u % 4u);
      @end s
      @for s OWN
      let q{n}_{c} = qkv[q_at[{n}] + {c}u];
      let g{n}_{c} = d_o[g_at[{n}] + {c}u];
      @end s
      @for r ROWS
      s{r}[{n}] += dot(k{r}_{c}, q{n}_{c});
      dp{r}[{n}] += dot(v{r}_{c}, g{n}_{c});
      @end r
      @end c
      @end n
      @for r ROWS
      var sees{r} = (queries - key{r} < vec4u(viewers{r})) & inside;
      @for w WINDOW
      sees{r} &= viewed_from - position{r} < vec4u(p.window);
      @end w
      s{r} = over_slices(s{r}, lane);
      dp{r} = over_slices(dp{r}, lane);
      let w{r} = select(vec4f(), exp2(s{r} - vec4f(lse0, lse1, lse2, lse3)), sees{r});
      let ds{r} = w{r} * (dp{r} - vec4f(delta0, delta1, delta2, delta3));
      @for n FOUR
      @for c VECS
      dv{r}_{c} += w{r}[{n}] * g{n}_{c};
      dk{r}_{c} += ds{r}[{n}] * q{n}_{c};
      @end c
      @end n
      @end r
    }
  }
  @for r ROWS
  if (first + {r}u < p.tokens) {
    let dk_at = key{r} * p.d_stride + (heads + kv_head) * HEAD_VECS + slice;
    let dv_at = dk_at + heads / group * HEAD_VECS;
    @for c VECS
    d_qkv[dk_at + {c}u] = dk{r}_{c} * p.scale;
    d_qkv[dv_at + {c}u] = dv{r}_{c};
    @end c
  }
  @end r
}
