// partials[rows + chunk * cols + c] = sum over the chunk's rows of dy[r, c] * x[r, c] * rstd[r]
// with rstd[r] = partials[r]. Rows as in rms-norm.wgsl; a chunk has chunk_rows.
// LANES neighbouring invocations take neighbouring columns. Each sums its columns in order.

override LANES: u32;

struct Params {
  rows: u32,
  cols: u32,
  heads: u32,
  stride: u32,
  offset: u32,
  chunk_rows: u32,
  first_y: u32,
}

@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> dy: array<Element>;
@group(0) @binding(2) var<storage, read_write> partials: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(LANES, 64 / LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let chunk = id.y + p.first_y * (64u / LANES);
  let column = id.x;
  let first = chunk * p.chunk_rows;
  if (column >= p.cols || first >= p.rows) { return; }
  var sum = Element();
  for (var row = first; row < min(p.rows, first + p.chunk_rows); row++) {
    let at = row / p.heads * p.stride + row % p.heads * p.cols + p.offset + column;
    sum += dy[at] * x[at] * partials[row];
  }
  partials[p.rows + chunk * p.cols + column] = sum;
}
