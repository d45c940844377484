// y[r, c] = x[r, c] * rsqrt(mean_c(x[r, c]^2) + eps) * weight[c] (+ residual[r, c])
// Row r is `cols` elements at offset + (r / heads) * stride + (r % heads) * cols, in x as in y.
// Sizes and offsets here count Elements, which are WIDTH floats each.
// TEAM invocations share a row; see team-of-many.wgsl for TEAM and SIZE.

struct Params {
  rows: u32,
  cols: u32,
  heads: u32,
  stride: u32,
  offset: u32,
  eps: f32,
  first_x: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> weight: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;
@for a ADDED
@group(0) @binding(3) var<storage, read> residual: array<Element>;
@end a
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  // A row past the end has no columns, but its team must reach the barriers too.
  let cols = select(0u, p.cols, row < p.rows);
  let at = row / p.heads * p.stride + row % p.heads * p.cols + p.offset;
  var squares = Element();
  for (var c = lane % TEAM; c < cols; c += TEAM) {
    let value = x[at + c];
    squares += value * value;
  }
  let sum = team_sum(lane, vec2f(total(squares), 0.0)).x;
  let rstd = inverseSqrt(sum / f32(p.cols * WIDTH) + p.eps);
  for (var c = lane % TEAM; c < cols; c += TEAM) {
    var value = x[at + c] * rstd * weight[c];
    @for a ADDED
    value += residual[at + c];
    @end a
    y[at + c] = value;
  }
}
