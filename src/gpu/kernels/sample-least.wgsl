// Long rows, only with top-k or top-p: kept[row] = the smallest rank that they keep. One team searches
// the candidates of a row, or the whole row if a team has found more of them than fit.
@group(0) @binding(1) var<storage, read> chunks: array<vec2f>;
@group(0) @binding(2) var<storage, read> bounds: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read> candidates: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> kept: array<u32>;

var<private> whole: bool;

fn item(mine: Share, i: u32) -> vec4f {
  if (whole) { return fours(mine.row, i); }
  return candidates[mine.row * SLOTS * chunk_count() + i];
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let exists = row < p.rows;
  let top = top_of(row);
  let mass = mass_of_row(lane, row, top);
  let first = row * chunk_count();
  var most = 0u;
  for (var c = first + lane % TEAM; c < first + chunk_count(); c += TEAM) { most = max(most, counts[c]); }
  most = u32(team_max(lane, f32(most)));
  whole = most > 4u * SLOTS;
  // The first slots of all teams come first: each has about the same number of candidates.
  let end = select((most + 3u) / 4u * chunk_count(), (p.cols + 3u) / 4u, whole);
  let mine = Share(lane, row, lane % TEAM, select(0u, end, exists));
  let least = least_kept(mine, top, mass, bounds[row]);
  if (lane % TEAM == 0u && exists) { kept[row] = least; }
}
