// x[i] = value for i < count; four numbers per invocation.
struct Params { count: u32, value: f32, first_x: u32 }
@group(0) @binding(0) var<storage, read_write> x: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

const STRIDE = 65535u * 64u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x + 64u * p.first_x + id.y * STRIDE;
  if (4u * i + 3u < p.count) {
    x[i] = vec4f(p.value);
  } else if (4u * i < p.count) {
    x[i] = select(x[i], vec4f(p.value), within(i, 0u, p.count));
  }
}
