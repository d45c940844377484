// Prelude of the attention kernels in which SLICES invocations share a head. Each has a part of it;
// `over_slices` adds their parts of a dot product.

var<workgroup> shares: array<vec4f, TILES * SLICES>;
var<workgroup> maximum: atomic<u32>;
var<workgroup> bound: u32;

// Sums x over the invocations with the same lane.x.
fn over_slices(x: vec4f, lane: vec3u) -> vec4f {
  // All invocations must have read the previous sums.
  workgroupBarrier();
  shares[lane.y * TILES + lane.x] = x;
  workgroupBarrier();
  var sum = vec4f();
  for (var slice = 0u; slice < SLICES; slice++) { sum += shares[slice * TILES + lane.x]; }
  return sum;
}

// The largest count in the workgroup. All its invocations loop that often: they share barriers.
fn longest(count: u32, lane: vec3u) -> u32 {
  atomicMax(&maximum, count);
  workgroupBarrier();
  if (all(lane == vec3u())) {
    bound = atomicLoad(&maximum);
    atomicStore(&maximum, 0u);
  }
  // It waits for all before it loads, and after.
  return workgroupUniformLoad(&bound);
}
