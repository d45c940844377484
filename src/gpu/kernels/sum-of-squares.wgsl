// partials[b] = sum over i in [b BLOCK, (b+1) BLOCK), i < count, of x[i]^2
// One workgroup a block; with sum-partials it makes a sum whose order never changes.
const BLOCK = 4096u;
struct Params { count: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

var<workgroup> scratch: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = group.x + group.y * 65535u;
  let end = min((block + 1u) * BLOCK, p.count);
  var sum = 0.0;
  for (var i = block * BLOCK + lane; i < end; i += 64u) { sum += x[i] * x[i]; }
  scratch[lane] = sum;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { scratch[lane] += scratch[lane + half]; }
  }
  if (lane == 0u && block * BLOCK < p.count) { partials[block] = scratch[0]; }
}
