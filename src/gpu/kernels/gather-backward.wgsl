// dTable[targets[u] - first,:] += sum over q in [starts[u], starts[u+1]) of dOut[order[q],:]
// dOut [rows, cols], order [rows], starts [owners+1], targets [owners], dTable [count, cols];
// targets outside the table are skipped. One invocation owns each sum, because WGSL has no atomics
// for f32. It adds in a fixed order: the same batch gives the same bits. 16 invocations own 64
// columns of one target, four each.
struct Params { owners: u32, cols: u32, first: u32, count: u32 }
@group(0) @binding(0) var<storage, read> d_out: array<f32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<u32>;
@group(0) @binding(4) var<storage, read_write> d_table: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

const TEAM = 16u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x / TEAM + id.y * (65535u * 64u / TEAM);
  let blocks = (p.cols + 63u) / 64u;
  let owner = index / blocks;
  if (owner >= p.owners) { return; }
  let place = targets[owner] - p.first;
  if (place >= p.count) { return; }
  let col = index % blocks * 64u + id.x % TEAM;
  let end = starts[owner + 1u];
  // Columns past the end read values of another row; their sums are not stored.
  var a = 0.0;
  var b = 0.0;
  var c = 0.0;
  var d = 0.0;
  for (var q = starts[owner]; q < end; q++) {
    let at = order[q] * p.cols + col;
    a += d_out[at];
    b += d_out[at + TEAM];
    c += d_out[at + 2u * TEAM];
    d += d_out[at + 3u * TEAM];
  }
  let at = place * p.cols + col;
  if (col < p.cols) { d_table[at] += a; }
  if (col + TEAM < p.cols) { d_table[at + TEAM] += b; }
  if (col + 2u * TEAM < p.cols) { d_table[at + 2u * TEAM] += c; }
  if (col + 3u * TEAM < p.cols) { d_table[at + 3u * TEAM] += d; }
}
