// Prelude of the attention kernels where SLICES threads, each with a part of the head, work on the
// same rows and add up their shares of each dot product here.

var<workgroup> shares: array<vec4f, TILES * SLICES>;
var<workgroup> maximum: atomic<u32>;
var<workgroup> bound: u32;

// Sums x over the threads with the same lane.x.
fn over_slices(x: vec4f, lane: vec3u) -> vec4f {
  // The last sums must have been read.
  workgroupBarrier();
  shares[lane.y * TILES + lane.x] = x;
  workgroupBarrier();
  var sum = vec4f();
  for (var slice = 0u; slice < SLICES; slice++) { sum += shares[slice * TILES + lane.x]; }
  return sum;
}

// The greatest count of the workgroup: its threads must meet the same barriers.
fn longest(count: u32) -> u32 {
  atomicMax(&maximum, count);
  workgroupBarrier();
  bound = atomicLoad(&maximum);
  let most = workgroupUniformLoad(&bound);
  atomicStore(&maximum, 0u);
  workgroupBarrier();
  return most;
}
