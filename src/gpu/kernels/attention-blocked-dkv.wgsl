// dk and dv of attention-dkv.wgsl (its equations and shapes) for graphics cards. A workgroup takes
// ROWS keys of one head and walks their viewers; see attention-blocked-scores.wgsl.
// Workgroups: x over keys, y over key heads.
// Parameters and buffers: attention-dkv-declarations.wgsl.

var<workgroup> block: array<vec4f, BLOCK>;
var<workgroup> furthest: atomic<u32>;
var<workgroup> stop_of_all: u32;

fn left0(key: u32, head: u32, vec: u32) -> vec4f {
  return qkv[key * p.stride + p.k_offset + head / p.group * HEAD_VECS + vec];
}
fn right0(query: u32, head: u32, vec: u32) -> vec4f {
  return qkv[query * p.stride + head * HEAD_VECS + vec];
}
fn left1(key: u32, head: u32, vec: u32) -> vec4f {
  return qkv[key * p.stride + p.v_offset + head / p.group * HEAD_VECS + vec];
}
fn right1(query: u32, head: u32, vec: u32) -> vec4f {
  return d_o[(query * p.heads + head) * HEAD_VECS + vec];
}

@compute @workgroup_size(INVOCATIONS)
fn main(
  @builtin(local_invocation_index) index: u32,
  @builtin(workgroup_id) group: vec3u,
) {
  let x = index % X;
  let y = index / X;
  let first = (group.x + p.first_x) * ROWS;
  let kv_head = group.y + p.first_y;
  let last_row = p.tokens - 1u;
  let scale = p.scale * LOG2_E;
  @for g GROUPS
  let row{g} = first + 4u * (y + {g}u * Y);
  @for i FOUR
  let end{g}_{i} = view_end[min(row{g} + {i}u, last_row)];
  @for c VECS
  var d0_{g}_{i}_{c} = vec4f();
  var d1_{g}_{i}_{c} = vec4f();
  @end c
  @end i
  let keys{g} = row{g} + vec4u(0u, 1u, 2u, 3u);
  @for w WINDOW
  let positions{g} = vec4u(
    positions[min(row{g}, last_row)], positions[min(row{g} + 1u, last_row)],
    positions[min(row{g} + 2u, last_row)], positions[min(row{g} + 3u, last_row)],
  );
  @end w
  let ends{g} = vec4u(end{g}_0, end{g}_1, end{g}_2, end{g}_3);
  let nearest{g} = min(min(end{g}_0, end{g}_1), min(end{g}_2, end{g}_3));
  atomicMax(&furthest, max(max(end{g}_0, end{g}_1), max(end{g}_2, end{g}_3)));
  @end g
  workgroupBarrier();
  if (index == 0u) { stop_of_all = atomicLoad(&furthest); }
  let stop = workgroupUniformLoad(&stop_of_all);

  for (var at = first; at < stop; at += COLUMNS) {
    for (var head = kv_head * p.group; head < (kv_head + 1u) * p.group; head++) {
      @include scores
      @for h PARTS
      @for j KEYS
      let query{h}_{j} = at + x + ({h}u * KEYS + {j}u) * X;
      let stat{h}_{j} = min(query{h}_{j}, last_row) * p.heads + head;
      let lse{h}_{j} = vec4f(lse[stat{h}_{j}] * LOG2_E);
      let delta{h}_{j} = delta[stat{h}_{j}];
      @for w WINDOW
      let position{h}_{j} = positions[min(query{h}_{j}, last_row)];
      @end w
      @end j
      @end h
      @for g GROUPS
      @for h PARTS
      @for j KEYS
      let w{h}_{j}_{g} = exp2(fma(s0_{h}_{j}_{g}, vec4f(scale), -lse{h}_{j}));
      s0_{h}_{j}_{g} = w{h}_{j}_{g} * (s1_{h}_{j}_{g} - delta{h}_{j});
      s1_{h}_{j}_{g} = w{h}_{j}_{g};
      @end j
      @end h
      if (at < row{g} + 3u || at + COLUMNS > nearest{g}) {
        @for h PARTS
        @for j KEYS
        let sees{h}_{j}_{g} = (keys{g} <= vec4u(query{h}_{j})) & (vec4u(query{h}_{j}) < ends{g});
        s0_{h}_{j}_{g} = select(vec4f(), s0_{h}_{j}_{g}, sees{h}_{j}_{g});
        s1_{h}_{j}_{g} = select(vec4f(), s1_{h}_{j}_{g}, sees{h}_{j}_{g});
        @end j
        @end h
      }
      @for w WINDOW
      @for h PARTS
      @for j KEYS
      let near{h}_{j}_{g} = vec4u(position{h}_{j}) - positions{g} < vec4u(p.window);
      s0_{h}_{j}_{g} = select(vec4f(), s0_{h}_{j}_{g}, near{h}_{j}_{g});
      s1_{h}_{j}_{g} = select(vec4f(), s1_{h}_{j}_{g}, near{h}_{j}_{g});
      @end j
      @end h
      @end w
      @end g
      // Score gradients and queries make dk, weights and dO make dv.
      @for p PRODUCTS
      @for h PARTS
      workgroupBarrier();
      @for g GROUPS
      @for j KEYS
      block[(x + {j}u * X) * ROW_FOURS + y + {g}u * Y] = s{p}_{h}_{j}_{g};
      @end j
      @end g
      workgroupBarrier();
      let from{p}_{h} = at + {h}u * PART;
      let columns{p}_{h} = select(min(PART, stop - from{p}_{h}), 0u, from{p}_{h} >= stop);
      for (var j = 0u; j < columns{p}_{h}; j++) {
        @for c VECS
        let b{c} = right{p}(from{p}_{h} + j, head, x + {c}u * X);
        @end c
        @for g GROUPS
        let w{g} = block[j * ROW_FOURS + y + {g}u * Y];
        @for c VECS
        @for i FOUR
        d{p}_{g}_{i}_{c} = fma(vec4f(w{g}[{i}]), b{c}, d{p}_{g}_{i}_{c});
        @end i
        @end c
        @end g
      }
      @end h
      @end p
    }
  }
  @for g GROUPS
  @for i FOUR
  if (row{g} + {i}u < p.tokens) {
    let dk_at = (row{g} + {i}u) * p.d_stride + (p.heads + kv_head) * HEAD_VECS + x;
    let dv_at = dk_at + p.heads / p.group * HEAD_VECS;
    @for c VECS
    d_qkv[dk_at + {c}u * X] = d0_{g}_{i}_{c} * p.scale;
    d_qkv[dv_at + {c}u * X] = d1_{g}_{i}_{c};
    @end c
  }
  @end i
  @end g
}
