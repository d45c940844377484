// Long rows, only with a filter: in `kept`, after the smallest ranks of all rows, [row, c] is the sum of
// the weights of a chunk that the filters keep, relative to the largest logit of the row.
@group(0) @binding(1) var<storage, read> chunks: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> kept: array<u32>;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let fours_in_row = (p.cols + 3u) / 4u;
  let count = chunk_count();
  let row = index / count;
  let first = index % count * CHUNK;
  let exists = row < p.rows;
  let end = select(0u, min(first + CHUNK, fours_in_row), exists);
  var bound = 0u;
  if (exists && has_threshold()) { bound = kept[row]; }
  let top = top_of(row);
  var mass = vec4f();
  for (var i = first + lane % TEAM; i < end; i += TEAM) {
    mass += kept_weights(fours(row, i), top, bound);
  }
  let sum = team_sum(lane, vec4f(total(mass), 0.0, 0.0, 0.0)).x;
  if (lane % TEAM == 0u && exists) { kept[p.rows + index] = bitcast<u32>(sum); }
}
