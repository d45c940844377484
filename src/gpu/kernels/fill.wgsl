// x[i] = value for i < count; one invocation per element.
struct Params { count: u32, value: f32 }
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

const STRIDE = 65535u * 64u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x + id.y * STRIDE;
  if (i < p.count) { x[i] = p.value; }
}
