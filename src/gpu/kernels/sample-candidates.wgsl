// Long rows, only with top-k or top-p: the logits that may be the threshold or above it, by the bound
// of their row, close together. counts[row, c] says how many the c-th team of a row has found; they are
// candidates[row, slot, c, 4], with SLOTS fours for each team, where PAST follows them. More than fit are
// only counted.
// The teams take runs of RUN fours in turn, because likely tokens are often neighbours. A run is whole
// memory sectors, and a team has slots for several runs.
@group(0) @binding(1) var<storage, read> bounds: array<u32>;
@group(0) @binding(2) var<storage, read_write> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> candidates: array<f32>;

const RUN = min(8u, SLOTS / 4u);

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let fours_in_row = (p.cols + 3u) / 4u;
  let teams = (fours_in_row + CHUNK - 1u) / CHUNK;
  let row = index / teams;
  let team = index % teams;
  let exists = row < p.rows;
  var bound = 0u;
  if (exists) { bound = bounds[row]; }
  let end = select(CHUNK, 0u, bound == 0u);
  var own = 0u;
  for (var i = lane % TEAM; i < end; i += TEAM) {
    let at = (i / RUN * teams + team) * RUN + i % RUN;
    if (at >= fours_in_row) { break; }
    let candidate = ranks(fours(row, at)) >= vec4u(bound);
    own += dot(select(vec4u(0u), vec4u(1u), candidate), vec4u(1u));
  }
  let sums = team_prefix(lane, f32(own));
  // Without a bound all are candidates.
  let found = select(u32(sums.z), 4u * CHUNK, bound == 0u);
  if (lane % TEAM == 0u && exists) { counts[index] = found; }
  if (!exists || found > 4u * SLOTS) { return; }
  let first = row * SLOTS * teams + team;
  for (var n = found + lane % TEAM; n < 4u * SLOTS; n += TEAM) {
    candidates[4u * (first + n / 4u * teams) + n % 4u] = PAST;
  }
  var n = u32(sums.x);
  for (var i = lane % TEAM; i < end; i += TEAM) {
    let at = (i / RUN * teams + team) * RUN + i % RUN;
    if (at >= fours_in_row) { break; }
    let x = fours(row, at);
    let candidate = ranks(x) >= vec4u(bound);
    for (var j = 0u; j < 4u; j++) {
      if (candidate[j]) {
        candidates[4u * (first + n / 4u * teams) + n % 4u] = x[j];
        n++;
      }
    }
  }
}
