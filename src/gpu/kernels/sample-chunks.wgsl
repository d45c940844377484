// Long rows, first launch: chunks[row, c] = (largest logit, sum of the weights relative to it) of the
// c-th CHUNK fours of a row.
@group(0) @binding(1) var<storage, read_write> chunks: array<vec2f>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let fours_in_row = (p.cols + 3u) / 4u;
  let count = (fours_in_row + CHUNK - 1u) / CHUNK;
  let first = index % count * CHUNK;
  let exists = index / count < p.rows;
  let mine = Share(
    lane,
    index / count,
    first + lane % TEAM,
    select(0u, min(first + CHUNK, fours_in_row), exists),
  );
  let top = largest(mine);
  let mass = all_mass(mine, top);
  if (lane % TEAM == 0u && exists) { chunks[index] = vec2f(top, mass); }
}
