// dq and delta of attention-dq.wgsl (its equations and shapes) for graphics cards. A workgroup takes
// ROWS queries of one head and walks the keys that they see; see attention-blocked-scores.wgsl.
// Workgroups: x over queries, y over heads.
// Parameters and buffers: attention-dq-declarations.wgsl.

var<workgroup> block: array<vec4f, BLOCK>;

fn left0(query: u32, head: u32, vec: u32) -> vec4f {
  return qkv[query * p.stride + head * HEAD_VECS + vec];
}
fn right0(key: u32, head: u32, vec: u32) -> vec4f {
  return qkv[key * p.stride + p.k_offset + head / p.group * HEAD_VECS + vec];
}
fn left1(query: u32, head: u32, vec: u32) -> vec4f {
  return d_o[(query * p.heads + head) * HEAD_VECS + vec];
}
fn right1(key: u32, head: u32, vec: u32) -> vec4f {
  return qkv[key * p.stride + p.v_offset + head / p.group * HEAD_VECS + vec];
}
fn span_of(query: u32) -> vec4u { return spans[min(query, p.tokens - 1u)]; }

@compute @workgroup_size(INVOCATIONS)
fn main(
  @builtin(local_invocation_index) index: u32,
  @builtin(workgroup_id) group: vec3u,
) {
  let x = index % X;
  let y = index / X;
  let first = (group.x + p.first_x) * ROWS;
  let head = group.y + p.first_y;
  let last_row = p.tokens - 1u;
  let scale = p.scale * LOG2_E;
  let walk = walk_of_all(first, index);

  // Each of the invocations side by side adds up a part of delta.
  @for g GROUPS
  let row{g} = first + 4u * (y + {g}u * Y);
  var share{g} = vec4f();
  @for i FOUR
  let stat{g}_{i} = min(row{g} + {i}u, last_row) * p.heads + head;
  @for c VECS
  var dq{g}_{i}_{c} = vec4f();
  share{g}[{i}] += dot(
    d_o[stat{g}_{i} * HEAD_VECS + x + {c}u * X],
    o[stat{g}_{i} * HEAD_VECS + x + {c}u * X],
  );
  @end c
  @end i
  block[x * ROW_FOURS + y + {g}u * Y] = share{g};
  @end g
  workgroupBarrier();
  @for g GROUPS
  var delta{g} = vec4f();
  for (var i = 0u; i < X; i++) { delta{g} += block[i * ROW_FOURS + y + {g}u * Y]; }
  let lse{g} = vec4f(lse[stat{g}_0], lse[stat{g}_1], lse[stat{g}_2], lse[stat{g}_3]) * LOG2_E;
  @for i FOUR
  if (x == 0u && row{g} + {i}u < p.tokens) { delta[stat{g}_{i}] = delta{g}[{i}]; }
  @end i
  @end g

  for (var range = 0u; range < 2u; range++) {
    let stop = select(walk.y, walk.w, range == 1u);
    for (var at = select(walk.x, walk.z, range == 1u); at < stop; at += COLUMNS) {
      @include scores
      @for g GROUPS
      @for h PARTS
      @for j KEYS
      s0_{h}_{j}_{g} = exp2(fma(s0_{h}_{j}_{g}, vec4f(scale), -lse{g})) * (s1_{h}_{j}_{g} - delta{g});
      @end j
      @end h
      @for i FOUR
      let span{g}_{i} = span_of(row{g} + {i}u);
      @end i
      if (!(
        sees_tile(span{g}_0, at) && sees_tile(span{g}_1, at) &&
        sees_tile(span{g}_2, at) && sees_tile(span{g}_3, at)
      )) {
        @for h PARTS
        @for j KEYS
        {
          let key = at + x + ({h}u * KEYS + {j}u) * X;
          let sees = see(span{g}_0, span{g}_1, span{g}_2, span{g}_3, key);
          s0_{h}_{j}_{g} = select(vec4f(), s0_{h}_{j}_{g}, sees);
        }
        @end j
        @end h
      }
      @end g
      let keys = p.k_offset + head / p.group * HEAD_VECS + x;
      @for h PARTS
      workgroupBarrier();
      @for g GROUPS
      @for j KEYS
      block[(x + {j}u * X) * ROW_FOURS + y + {g}u * Y] = s0_{h}_{j}_{g};
      @end j
      @end g
      workgroupBarrier();
      let from{h} = at + {h}u * PART;
      let columns{h} = select(min(PART, stop - from{h}), 0u, from{h} >= stop);
      for (var j = 0u; j < columns{h}; j++) {
        let k_at = (from{h} + j) * p.stride + keys;
        @for c VECS
        let k{c} = qkv[k_at + {c}u * X];
        @end c
        @for g GROUPS
        let ds{g} = block[j * ROW_FOURS + y + {g}u * Y];
        @for c VECS
        @for i FOUR
        dq{g}_{i}_{c} = fma(vec4f(ds{g}[{i}]), k{c}, dq{g}_{i}_{c});
        @end i
        @end c
        @end g
      }
      @end h
    }
  }
  @for g GROUPS
  @for i FOUR
  if (row{g} + {i}u < p.tokens) {
    let d_at = (row{g} + {i}u) * p.d_stride + head * HEAD_VECS + x;
    @for c VECS
    d_qkv[d_at + {c}u * X] = dq{g}_{i}_{c} * p.scale;
    @end c
  }
  @end i
  @end g
}
