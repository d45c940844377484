// Long rows, only with top-k or top-p: kept[row] = the smallest rank that they keep. One team goes over
// the whole row.
@group(0) @binding(1) var<storage, read> chunks: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> kept: array<u32>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let exists = row < p.rows;
  let mine = Share(lane, row, lane % TEAM, select(0u, (p.cols + 3u) / 4u, exists));
  let least = least_kept(mine, top_of(row));
  if (lane % TEAM == 0u && exists) { kept[row] = least; }
}
