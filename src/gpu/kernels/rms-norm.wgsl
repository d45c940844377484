// y[r, c] = x[r, c] * rsqrt(mean_c(x[r, c]^2) + eps) * weight[c]
// Row r is `cols` elements at offset + (r / heads) * stride + (r % heads) * cols, in x as in y.
// Sizes and offsets here count Elements, which are WIDTH floats each.
// LANES invocations share a row (see row-sum-*.wgsl); a workgroup has 64 / LANES rows.

struct Params {
  rows: u32,
  cols: u32,
  heads: u32,
  stride: u32,
  offset: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> weight: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(LANES, 64 / LANES)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
) {
  let row = (group.x + group.y * 65535u) * (64u / LANES) + lane.y;
  // Every invocation must reach the barrier; those past the end have no columns.
  let cols = select(0u, p.cols, row < p.rows);
  let at = row / p.heads * p.stride + row % p.heads * p.cols + p.offset;
  var squares = Element();
  for (var c = sum_start(lane); c < cols; c += SUM_STEP) {
    let value = x[at + c];
    squares += value * value;
  }
  let sum = row_sum(vec2f(total(squares), 0.0), lane).x;
  let rstd = inverseSqrt(sum / f32(p.cols * WIDTH) + p.eps);
  for (var c = lane.x; c < cols; c += LANES) {
    y[at + c] = x[at + c] * rstd * weight[c];
  }
}
