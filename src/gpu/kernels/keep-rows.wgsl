// Row i of every array <- its row kept[i], for i < rows; kept [rows] is ascending.
// One workgroup takes the rows in order, in chunks. It writes a chunk only when it has read all of
// it, and no later chunk reads what it has written, since kept[i] >= i.

struct Params { rows: u32 }

@group(0) @binding(0) var<storage, read> kept: array<u32>;
@group(0) @binding(1) var<storage, read_write> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> spans: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> streams: array<u32>;
@group(0) @binding(4) var<storage, read_write> done: array<u32>;
@group(0) @binding(5) var<storage, read_write> states: array<u32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  for (var start = 0u; start < p.rows; start += 64u) {
    let row = start + lane;
    let place = kept[min(row, p.rows - 1u)];
    let id = ids[place];
    let span = spans[place];
    let stream = streams[place];
    let ended = done[place];
    let state = states[place];
    storageBarrier();
    if (row < p.rows) {
      ids[row] = id;
      spans[row] = span;
      streams[row] = stream;
      done[row] = ended;
      states[row] = state;
    }
  }
}
