// y[r, c] = x[offset + (r / heads) * stride + (r % heads) * cols + c]: strided rows made compact.

struct Params { rows: u32, cols: u32, heads: u32, stride: u32, offset: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(workgroup_id) group: vec3u,
) {
  // The heads of one row of x lie side by side, in x as in y.
  let row = group.x + group.y * 65535u;
  let width = p.heads * p.cols;
  if (row * p.heads >= p.rows) { return; }
  for (var c = lane.x; c < width; c += 64u) {
    y[row * width + c] = x[row * p.stride + p.offset + c];
  }
}
