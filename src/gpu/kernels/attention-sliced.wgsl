// Prelude of the attention kernels for head_dim > 16: SLICES threads, each with 16 elements of the
// head, work on one query (or key) and add up their shares of each dot product here.

var<workgroup> shares: array<vec4f, ROWS * SLICES>;
var<workgroup> maximum: atomic<u32>;
var<workgroup> bound: u32;

/** Sums x over the threads with the same lane.x. */
fn over_slices(x: vec4f, lane: vec3u) -> vec4f {
  // The last sums must have been read.
  workgroupBarrier();
  shares[lane.y * ROWS + lane.x] = x;
  workgroupBarrier();
  var sum = vec4f();
  for (var slice = 0u; slice < SLICES; slice++) { sum += shares[slice * ROWS + lane.x]; }
  return sum;
}

/** The greatest count of the workgroup: its threads must go through the same barriers. */
fn longest(count: u32) -> u32 {
  atomicMax(&maximum, count);
  workgroupBarrier();
  bound = atomicLoad(&maximum);
  return workgroupUniformLoad(&bound);
}
