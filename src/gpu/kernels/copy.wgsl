// y[i] = x[i] for i < count; four numbers per invocation.
struct Params { count: u32, first_x: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

const STRIDE = 65535u * 64u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x + 64u * p.first_x + id.y * STRIDE;
  if (4u * i + 3u < p.count) {
    y[i] = x[i];
  } else if (4u * i < p.count) {
    y[i] = select(y[i], x[i], within(i, 0u, p.count));
  }
}
