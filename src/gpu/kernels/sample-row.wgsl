// Short rows: one team draws the token of a row.
fn item(mine: Share, i: u32) -> vec4f { return fours(mine.row, i); }

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  var ended = true;
  if (row < p.rows) { ended = done[row] != 0u; }
  // A row that has ended has no logits, but its team must reach the barriers too.
  let end = select((p.cols + 3u) / 4u, 0u, ended);
  let mine = Share(lane, row, lane % TEAM, end);
  let top = largest(mine);
  var mass = 0.0;
  if (greedy() || has_filter()) { mass = all_mass(mine, top); }
  var least = 0u;
  if (greedy()) { least = ranks(vec4f(top)).x; }
  if (has_threshold()) { least = least_kept(mine, top, mass, 0u); }
  let drawn = select(end, 0u, diverged(top));
  let draw = token_at(lane, row, 0u, drawn, top, least, uniform_number(row));
  if (!greedy() && !has_filter()) { mass = draw.mass; }
  finish(lane, row, ended, draw, top, mass);
}
