// out[r,:] = scale * table[ids[r] - first,:] where first <= ids[r] < first + count
// table [count, cols], ids [rows], out [rows, cols]. `cols` counts Elements, which are one number
// or four; fetch_table (storage.ts) converts them to f32. Rows with other ids are not written. 16
// invocations share a row: they load whole memory sectors on a card, and few idle in short rows.
struct Params { rows: u32, cols: u32, first: u32, count: u32, scale: f32, first_x: u32 }
@group(0) @binding(0) var<storage, read> table: array<Stored>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

const TEAM = 16u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = (id.x + 64u * p.first_x) / TEAM + id.y * (65535u * 64u / TEAM);
  if (row >= p.rows) { return; }
  let place = ids[row] - p.first;
  if (place >= p.count) { return; }
  let source = place * p.cols;
  let destination = row * p.cols;
  for (var c = id.x % TEAM; c < p.cols; c += TEAM) {
    out[destination + c] = p.scale * fetch_table(source + c);
  }
}
