// dTable[targets[u],:] += sum over q in [starts[u], starts[u+1]) of dOut[order[q],:]
// dOut [rows, cols], order [rows], starts [owners+1], targets [owners], dTable [n, cols]
// One workgroup owns 64 columns of one target: no atomics (WGSL has none for f32), and the order of
// the sum is fixed, so that the same batch gives the same bits.
struct Params { owners: u32, cols: u32 }
@group(0) @binding(0) var<storage, read> d_out: array<f32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read_write> d_table: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = group.x + group.y * 65535u;
  let blocks = (p.cols + 63u) / 64u;
  let owner = index / blocks;
  let col = index % blocks * 64u + lane;
  if (owner >= p.owners || col >= p.cols) { return; }
  let end = starts[owner + 1u];
  var sum = 0.0;
  for (var q = starts[owner]; q < end; q++) {
    sum += d_out[order[q] * p.cols + col];
  }
  d_table[targets[owner] * p.cols + col] += sum;
}
