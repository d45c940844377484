// Attention of one decoding step, for adapters on the CPU:
// o_i = sum_j softmax_j(scale * q_i . k_j) v_j over the cache rows j of spans[i] = (x, y, z, w), which
// are [x, y), the prompt, and [z, w + step), the token's own sequence; in a ring, what
// attention-ring.wgsl makes of them. Online softmax.
// qkv [tokens, (heads + 2 kv_heads) * head_dim] with rotated q; cache [*, 2 kv_heads * head_dim], k | v;
// o [tokens, heads * head_dim].
//
// An invocation has one row, in HEADS heads of one group. Neighbouring rows often are samples of one
// prompt. So, if SHARED is 1, there are two walks over keys: the rows of a quad walk together over the
// prompts of the first and the last of them, and share the loads; then each walks alone over what is
// left. The loops take the keys four at a time. Workgroups: x over rows, y over heads.

const LOG2_E = 1.4426950408889634;
const MASKED = -1e30;

struct Params {
  tokens: u32,
  heads: u32,
  group: u32,
  scale: f32,
  step: u32,
  @for r RING
  window: u32,
  first_own: u32,
  own_rows: u32,
  ring: u32,
  @end r
  first_x: u32,
  first_y: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> cache: array<vec4f>;
@group(0) @binding(2) var<storage, read> spans: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> o: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

fn span_of(row: u32) -> vec4u {
  let span = spans[row];
  @for r RING
  return ring_span(span);
  @end r
  @for w WHOLE
  return span + vec4u(0u, 0u, 0u, p.step);
  @end w
}

@compute @workgroup_size(TILES)
fn main(@builtin(workgroup_id) block: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (block.x + p.first_x) * TILES + lane;
  let row = min(first, p.tokens - 1u);
  let head = (block.y + p.first_y) * HEADS;
  let kv_heads = p.heads / p.group;
  let q_at = (row * (p.heads + 2u * kv_heads) + head) * VECS;
  let stride = 2u * kv_heads * VECS;
  let k_head = head / p.group * VECS;
  let v_head = k_head + kv_heads * VECS;
  let scale = p.scale * LOG2_E;
  let place = lane % 4u;
  @for h HEADS
  var top{h} = MASKED;
  var total{h} = 0.0;
  @for c VECS
  let q{h}_{c} = qkv[q_at + {h}u * VECS + {c}u] * scale;
  var o{h}_{c} = vec4f();
  @end c
  @end h

  let span = span_of(row);
  @for s SHARED
  let prompt0 = quadBroadcast(span.xy, 0u);
  let prompt1 = quadBroadcast(span.xy, 3u);
  let in0 = all(span.xy == prompt0);
  let in1 = !in0 && all(span.xy == prompt1);
  let steps0 = (prompt0.y - prompt0.x + 3u) / 4u;
  let steps1 = select((prompt1.y - prompt1.x + 3u) / 4u, 0u, all(prompt0 == prompt1));
  @end s
  @for w WALKS
  {
    @for a ALONE_{w}
    @for s SHARED
    let walked = vec4u(span.x, select(span.y, span.x, in0 || in1), span.zw);
    @end s
    @for o OWN
    let walked = span;
    @end o
    let steps = (length_of(walked) + 3u) / 4u;
    @end a
    @for t TOGETHER_{w}
    let steps = steps0 + steps1;
    @end t
    for (var step = 0u; step < steps; step++) {
      @for a ALONE_{w}
      let t = 4u * step;
      let seen = true;
      @end a
      @for t TOGETHER_{w}
      let second = step >= steps0;
      let t = 4u * (step - select(0u, steps0, second));
      let walked = vec4u(select(prompt0, prompt1, second), 0u, 0u);
      let seen = select(in0, in1, second);
      @end t
      let rows = rows_from(t, walked);
      let k_at = rows * stride + k_head;
      let v_at = rows * stride + v_head;
      let sees = (vec4u(t, t + 1u, t + 2u, t + 3u) < vec4u(length_of(walked))) & vec4<bool>(seen);
      @for h HEADS
      var s{h} = vec4f();
      @end h
      @for n FOUR
      @for t TOGETHER_{w}
      let k{n} = array(
        @for g FOURS
        cache[k_at[{n}] + {g}u * 4u + place],
        @end g
      );
      @end t
      @for c VECS
      @for t TOGETHER_{w}
      let k{n}_{c} = quadBroadcast(k{n}[{c}u / 4u], {c}u % 4u);
      @end t
      @for a ALONE_{w}
      let k{n}_{c} = cache[k_at[{n}] + {c}u];
      @end a
      @end c
      @for h HEADS
      @for c VECS
      s{h}[{n}] += dot(q{h}_{c}, k{n}_{c});
      @end c
      @end h
      @end n
      @for h HEADS
      s{h} = select(vec4f(MASKED), s{h}, sees);
      let raised{h} = max(top{h}, max(max(s{h}.x, s{h}.y), max(s{h}.z, s{h}.w)));
      let keep{h} = exp2(top{h} - raised{h});
      let w{h} = exp2(s{h} - raised{h});
      top{h} = raised{h};
      total{h} = total{h} * keep{h} + dot(w{h}, vec4f(1.0));
      @for c VECS
      o{h}_{c} *= keep{h};
      @end c
      @end h
      @for n FOUR
      @for t TOGETHER_{w}
      let v{n} = array(
        @for g FOURS
        cache[v_at[{n}] + {g}u * 4u + place],
        @end g
      );
      @end t
      @for c VECS
      @for t TOGETHER_{w}
      let v{n}_{c} = quadBroadcast(v{n}[{c}u / 4u], {c}u % 4u);
      @end t
      @for a ALONE_{w}
      let v{n}_{c} = cache[v_at[{n}] + {c}u];
      @end a
      @end c
      @for h HEADS
      @for c VECS
      o{h}_{c} += w{h}[{n}] * v{n}_{c};
      @end c
      @end h
      @end n
    }
  }
  @end w
  if (first < p.tokens) {
    @for h HEADS
    let out{h} = (row * p.heads + head + {h}u) * VECS;
    let scale{h} = 1.0 / total{h};
    @for c VECS
    o[out{h} + {c}u] = o{h}_{c} * scale{h};
    @end c
    @end h
  }
}
