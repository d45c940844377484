// partials[rows + chunk * cols + c] = sum over the chunk's rows of dy[r, c] * x[r, c] * rstd[r]
// with rstd[r] = partials[r]. Rows as in rms-norm.wgsl; a chunk has CHUNK rows.
// One invocation sums one column of one chunk, in order.

override CHUNK: u32 = 64u;
override LANES: u32 = 4u;

struct Params {
  rows: u32,
  cols: u32,
  heads: u32,
  stride: u32,
  offset: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(LANES, 64 / LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let chunk = id.y;
  let column = id.x;
  if (column >= p.cols || chunk * CHUNK >= p.rows) { return; }
  var sum = 0.0;
  for (var row = chunk * CHUNK; row < min(p.rows, chunk * CHUNK + CHUNK); row++) {
    let at = row / p.heads * p.stride + row % p.heads * p.cols + p.offset + column;
    sum += dy[at] * x[at] * partials[row];
  }
  partials[p.rows + chunk * p.cols + column] = sum;
}
