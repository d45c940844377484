// The attention of attention.wgsl (its equations, shapes and spans) for graphics cards. A workgroup
// takes ROWS queries of one head and walks the keys that they see; see attention-blocked-scores.wgsl.
// Workgroups: x over queries, y over heads.

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

var<workgroup> block: array<vec4f, BLOCK>;

fn left0(query: u32, head: u32, vec: u32) -> vec4f {
  return q[query * p.q_stride + p.q_offset + head * HEAD_VECS + vec];
}
fn right0(key: u32, head: u32, vec: u32) -> vec4f {
  return kv[key * p.kv_stride + p.k_offset + head / p.group * HEAD_VECS + vec];
}
fn span_of(query: u32) -> vec4u {
  return spans[min(query, p.tokens - 1u)];
}

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
  @for g GROUPS
  let row{g} = first + 4u * (y + {g}u * Y);
  // The largest score so far, and the sum of the weights of this invocation's columns.
  var top{g} = vec4f(MASKED);
  var total{g} = vec4f();
  @for i FOUR
  @for c VECS
  var o{g}_{i}_{c} = vec4f();
  @end c
  @end i
  @end g

  for (var range = 0u; range < 2u; range++) {
    let stop = select(walk.y, walk.w, range == 1u);
    for (var at = select(walk.x, walk.z, range == 1u); at < stop; at += COLUMNS) {
      @include scores
      @for g GROUPS
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
          let sees = see(span{g}_0, span{g}_1, span{g}_2, span{g}_3, key) & vec4<bool>(key < stop);
          s0_{h}_{j}_{g} = select(vec4f(MASKED), s0_{h}_{j}_{g}, sees);
        }
        @end j
        @end h
      }
      var raised{g} = top{g};
      @for h PARTS
      @for j KEYS
      raised{g} = max(raised{g}, s0_{h}_{j}_{g});
      @end j
      @end h
      @end g
      workgroupBarrier();
      @for g GROUPS
      block[MAXIMA + x * ROW_FOURS + y + {g}u * Y] = raised{g};
      @end g
      workgroupBarrier();
      @for g GROUPS
      for (var i = 0u; i < X; i++) {
        raised{g} = max(raised{g}, block[MAXIMA + i * ROW_FOURS + y + {g}u * Y]);
      }
      let keep{g} = exp2((top{g} - raised{g}) * scale);
      // Zero for rows that have seen no key yet, so that their weights are zero. Otherwise these would be
      // exponentials of what rounding leaves of MASKED * scale - MASKED * scale: infinity, on a card,
      // where fma rounds once.
      let shift{g} = select(raised{g} * scale, vec4f(), raised{g} == vec4f(MASKED));
      top{g} = raised{g};
      total{g} *= keep{g};
      @for i FOUR
      @for c VECS
      o{g}_{i}_{c} *= keep{g}[{i}];
      @end c
      @end i
      @end g
      let values = p.v_offset + head / p.group * HEAD_VECS + x;
      @for h PARTS
      @for g GROUPS
      @for j KEYS
      let w{h}_{j}_{g} = exp2(fma(s0_{h}_{j}_{g}, vec4f(scale), -shift{g}));
      total{g} += w{h}_{j}_{g};
      block[(x + {j}u * X) * ROW_FOURS + y + {g}u * Y] = w{h}_{j}_{g};
      @end j
      @end g
      workgroupBarrier();
      let from{h} = at + {h}u * PART;
      let columns{h} = select(min(PART, stop - from{h}), 0u, from{h} >= stop);
      for (var j = 0u; j < columns{h}; j++) {
        let v_at = (from{h} + j) * p.kv_stride + values;
        @for c VECS
        let v{c} = kv[v_at + {c}u * X];
        @end c
        @for g GROUPS
        let w{g} = block[j * ROW_FOURS + y + {g}u * Y];
        @for c VECS
        @for i FOUR
        o{g}_{i}_{c} = fma(vec4f(w{g}[{i}]), v{c}, o{g}_{i}_{c});
        @end i
        @end c
        @end g
      }
      workgroupBarrier();
      @end h
    }
  }
  // The sum of a row over the invocations side by side.
  @for g GROUPS
  block[x * ROW_FOURS + y + {g}u * Y] = total{g};
  @end g
  workgroupBarrier();
  @for g GROUPS
  total{g} = vec4f();
  for (var i = 0u; i < X; i++) { total{g} += block[i * ROW_FOURS + y + {g}u * Y]; }
  @for i FOUR
  if (row{g} + {i}u < p.tokens) {
    let stat = (row{g} + {i}u) * p.heads + head;
    @for c VECS
    o[stat * HEAD_VECS + x + {c}u * X] = o{g}_{i}_{c} / total{g}[{i}];
    @end c
    if (x == 0u) { lse[stat] = top{g}[{i}] * p.scale + log(total{g}[{i}]); }
  }
  @end i
  @end g
}
