// partials[t] = sum of the squares of four numbers of x, t, t + threads, ...;  x [count], partials [threads]
// One invocation per partial; sum-partials.wgsl adds them, so the order of the sum is fixed. There
// is no sum per workgroup: on a software adapter its barrier costs more than the second kernel.
struct Params { count: u32, threads: u32, first_x: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let thread = id.x + 64u * p.first_x;
  if (thread >= p.threads) { return; }
  var sum = vec4f();
  for (var i = thread; 4u * i < p.count; i += p.threads) {
    let four = select(vec4f(), x[i], within(i, 0u, p.count));
    sum += four * four;
  }
  partials[thread] = dot(sum, vec4f(1.0));
}
