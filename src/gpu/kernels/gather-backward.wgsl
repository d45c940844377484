// dTable[targets[u] - first,:] += scale * sum over q in [starts[u], starts[u+1]) of dOut[order[q],:]
// dOut [rows, cols], order [rows], starts [owners+1], targets [owners], dTable [count, cols];
// targets outside the table are skipped. One invocation owns each sum, because WGSL has no atomics
// for f32. It adds in a fixed order: the same batch gives the same bits. 16 invocations own 16
// columns of one target; `cols` counts Elements.
struct Params { owners: u32, cols: u32, first: u32, count: u32, scale: f32, first_x: u32 }
@group(0) @binding(0) var<storage, read> d_out: array<Element>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read_write> d_table: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

const TEAM = 16u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = (id.x + 64u * p.first_x) / TEAM + id.y * (65535u * 64u / TEAM);
  let blocks = (p.cols + TEAM - 1u) / TEAM;
  let owner = index / blocks;
  let col = index % blocks * TEAM + id.x % TEAM;
  if (owner >= p.owners || col >= p.cols) { return; }
  let place = targets[owner] - p.first;
  if (place >= p.count) { return; }
  let end = starts[owner + 1u];
  var sum = Element();
  for (var q = starts[owner]; q < end; q++) { sum += d_out[order[q] * p.cols + col]; }
  d_table[place * p.cols + col] += p.scale * sum;
}
