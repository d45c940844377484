// out[0] = sum over i < count of partials[i]
// One workgroup; each of its teams computes the same (see team-of-many.wgsl), in a fixed order.
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> partials: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec4f();
  for (var i = lane % TEAM; 4u * i < p.count; i += TEAM) { sum += partials[i]; }
  let all = team_sum(lane, dot(sum, vec4f(1.0)));
  if (lane == 0u) { out[0] = all; }
}
