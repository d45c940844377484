// y[r, c] = x[r, c] * rsqrt(mean_c(x[r, c]^2) + eps) * weight[c]
// Row r is `cols` elements at offset + (r / heads) * stride + (r % heads) * cols, in x and in y
// alike but with a stride and an offset of their own. LANES threads share a row.

override LANES: u32 = 16u;

struct Params {
  rows: u32,
  cols: u32,
  heads: u32,
  x_stride: u32,
  x_offset: u32,
  y_stride: u32,
  y_offset: u32,
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
  let x_row = row / p.heads * p.x_stride + row % p.heads * p.cols + p.x_offset;
  let y_row = row / p.heads * p.y_stride + row % p.heads * p.cols + p.y_offset;
  var sum = 0.0;
  for (var c = lane.x; c < cols; c += LANES) {
    sum += x[x_row + c] * x[x_row + c];
  }
  squares[index] = sum;
  workgroupBarrier();
  sum = 0.0;
  for (var i = 0u; i < LANES; i++) { sum += squares[lane.y * LANES + i]; }
  let rstd = inverseSqrt(sum / f32(p.cols) + p.eps);
  for (var c = lane.x; c < cols; c += LANES) {
    y[y_row + c] = x[x_row + c] * rstd * weight[c];
  }
}
