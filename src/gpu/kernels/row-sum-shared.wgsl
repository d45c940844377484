// Prelude of the norm kernels for long rows: each of the LANES invocations of a row sums a part.

const SUM_STEP = LANES;
fn sum_start(lane: vec3u) -> u32 { return lane.x; }

var<workgroup> shares: array<vec2f, 64>;

fn row_sum(x: vec2f, lane: vec3u) -> vec2f {
  shares[lane.y * LANES + lane.x] = x;
  workgroupBarrier();
  var sum = vec2f();
  for (var i = 0u; i < LANES; i++) { sum += shares[lane.y * LANES + i]; }
  return sum;
}
