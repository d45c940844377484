// With n = x * rstd, rstd = rsqrt(mean(x^2) + eps), g = dy * weight:
//   dx[r, c] (+)= rstd * (g[r, c] - n[r, c] * mean_c(g * n))
// and rstds[r] = rstd, for the gradient of the weight. Rows and teams as in rms-norm.wgsl.

override ACCUMULATE: bool = false;

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
@group(0) @binding(2) var<storage, read> dy: array<Element>;
@group(0) @binding(3) var<storage, read_write> dx: array<Element>;
@group(0) @binding(4) var<storage, read_write> rstds: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let cols = select(0u, p.cols, row < p.rows);
  let at = row / p.heads * p.stride + row % p.heads * p.cols + p.offset;
  var squares = Element();
  var products = Element();
  for (var c = lane % TEAM; c < cols; c += TEAM) {
    let value = x[at + c];
    squares += value * value;
    products += value * (dy[at + c] * weight[c]);
  }
  let sum = team_sum(lane, vec2f(total(squares), total(products)));
  let count = f32(p.cols * WIDTH);
  let rstd = inverseSqrt(sum.x / count + p.eps);
  let pull = sum.y / count * rstd * rstd;
  for (var c = lane % TEAM; c < cols; c += TEAM) {
    var value = rstd * (dy[at + c] * weight[c] - x[at + c] * pull);
    if (ACCUMULATE) { value += dx[at + c]; }
    dx[at + c] = value;
  }
  if (lane % TEAM == 0u && row < p.rows) { rstds[row] = Element(rstd); }
}
