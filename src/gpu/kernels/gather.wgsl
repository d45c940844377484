// out[r,:] = table[ids[r],:]      table [n, cols], ids [rows], out [rows, cols]
// One workgroup copies one row.
struct Params { rows: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * 65535u;
  if (row >= p.rows) { return; }
  let source = ids[row] * p.cols;
  let target_row = row * p.cols;
  for (var c = lane; c < p.cols; c += 64u) {
    out[target_row + c] = table[source + c];
  }
}
