// y[r, c] = x[r, c] * rsqrt(mean_c(x[r, c]^2) + eps) * weight[c]
// Row r is `cols` elements at offset + (r / heads) * stride + (r % heads) * cols, in x as in y.
// LANES threads share a row.

override LANES: u32 = 16u;

struct Params {
  rows: u32,
  cols: u32,
  heads: u32,
  stride: u32,
  offset: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

var<workgroup> squares: array<f32, 64>;

@compute @workgroup_size(LANES, 64 / LANES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(workgroup_id) group: vec3u,
) {
  let row = (group.x + group.y * 65535u) * (64u / LANES) + lane.y;
  // Every thread reaches the barrier; those past the end do so with no columns.
  let cols = select(0u, p.cols, row < p.rows);
  let at = row / p.heads * p.stride + row % p.heads * p.cols + p.offset;
  var sum = 0.0;
  for (var c = lane.x; c < cols; c += LANES) {
    sum += x[at + c] * x[at + c];
  }
  squares[index] = sum;
  workgroupBarrier();
  sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += squares[lane.y * LANES + i]; }
  let rstd = inverseSqrt(sum / f32(p.cols) + p.eps);
  for (var c = lane.x; c < cols; c += LANES) {
    y[at + c] = x[at + c] * rstd * weight[c];
  }
}
