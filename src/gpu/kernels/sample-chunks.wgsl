// Long rows, first launch: chunks[row, c] = (largest logit, sum of the weights relative to it) of the
// c-th CHUNK fours of a row; levels[row, c, 8] = the parts of that sum down to each of the eight uppermost
// edges, if top-p needs them; see sample-bound.
@group(0) @binding(1) var<storage, read_write> chunks: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> levels: array<vec4f>;

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
  var mass = 0.0;
  if (has_threshold() && !has_top_k()) {
    let edges = edge_of(top) - STEP * vec4f(0.0, 1.0, 2.0, 3.0);
    let lower = edges - 4.0 * STEP;
    var all = vec4f();
    var level = vec4f();
    var lower_level = vec4f();
    for (var i = mine.start; i < mine.end; i += TEAM) {
      let x = fours(mine.row, i);
      let q = weights(x, top);
      let y = x * p.inverse_temperature;
      all += q;
      level += select(vec4f(), q.xxxx, y.xxxx >= edges);
      level += select(vec4f(), q.yyyy, y.yyyy >= edges);
      level += select(vec4f(), q.zzzz, y.zzzz >= edges);
      level += select(vec4f(), q.wwww, y.wwww >= edges);
      lower_level += select(vec4f(), q.xxxx, y.xxxx >= lower);
      lower_level += select(vec4f(), q.yyyy, y.yyyy >= lower);
      lower_level += select(vec4f(), q.zzzz, y.zzzz >= lower);
      lower_level += select(vec4f(), q.wwww, y.wwww >= lower);
    }
    mass = team_sum(lane, vec4f(total(all), 0.0, 0.0, 0.0)).x;
    let sums = team_sum(lane, level);
    let lower_sums = team_sum(lane, lower_level);
    if (lane % TEAM == 0u && exists) {
      levels[2u * index] = sums;
      levels[2u * index + 1u] = lower_sums;
    }
  } else {
    mass = all_mass(mine, top);
  }
  if (lane % TEAM == 0u && exists) { chunks[index] = vec2f(top, mass); }
}
