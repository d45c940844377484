// Long rows, only with top-k or top-p: bounds[row] = a rank that is no larger than the smallest one
// that they keep, found from the chunks alone; 0 where top-k is larger than their number.
@group(0) @binding(1) var<storage, read> chunks: array<vec2f>;
@group(0) @binding(2) var<storage, read> levels: array<f32>;
@group(0) @binding(3) var<storage, read_write> bounds: array<u32>;

// The largest logits of four chunks.
fn item(mine: Share, i: u32) -> vec4f {
  let first = mine.row * chunk_count();
  var tops = vec4f(PAST);
  for (var c = 4u * i; c < min(4u * i + 4u, chunk_count()); c++) { tops[c % 4u] = chunks[first + c].x; }
  return tops;
}

// A lower bound of the sum of a chunk's weights down to an edge: for edges below its last level, the sum
// down to that level. Relative to the largest logit of the chunk.
fn mass_above(chunk: u32, edge: f32) -> f32 {
  let below = edge_of(chunks[chunk].x) - edge;
  if (below < 0.0) { return 0.0; }
  return levels[8u * chunk + u32(min(round(below / STEP), 7.0))];
}

// For top-p. A logit is not needed if all tokens, were they as likely, would have less than half of the
// mass 1 - top_p. Most rows have a better bound: the first edge that has enough mass above it.
// A little is left for the rounding of sums and scaled logits.
fn bound_of_mass(lane: u32, row: u32, top: f32, count: u32) -> u32 {
  let first = row * chunk_count();
  let all = mass_of_row(lane, row, top);
  var lowest = top * p.inverse_temperature + log(0.5 * (1.0 - p.top_p) * all / f32(p.cols));
  var reached = false;
  for (var level = 0u; level < 8u; level += 4u) {
    let edges = edge_of(top) - STEP * (f32(level) + vec4f(0.0, 1.0, 2.0, 3.0));
    var mass = vec4f();
    for (var c = first + lane % TEAM; c < first + count; c += TEAM) {
      let above = vec4f(
        mass_above(c, edges.x),
        mass_above(c, edges.y),
        mass_above(c, edges.z),
        mass_above(c, edges.w),
      );
      mass += above * exp((chunks[c].x - top) * p.inverse_temperature);
    }
    let sums = team_sum(lane, mass);
    for (var i = 0u; i < 4u; i++) {
      if (!reached && sums[i] >= 1.0001 * p.top_p * all) {
        reached = true;
        lowest = max(lowest, edges[i]);
      }
    }
  }
  return ranks(vec4f((lowest - 0.1 - 1e-5 * abs(lowest)) / p.inverse_temperature)).x;
}

// For top-k: the k-th largest of the chunks' largest logits is not above the k-th largest logit.
@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let exists = row < p.rows;
  let count = select(0u, chunk_count(), exists);
  let top = top_of(row);
  var bound = 0u;
  if (!has_top_k()) {
    bound = bound_of_mass(lane, row, top, count);
  } else if (p.top_k <= chunk_count()) {
    let mine = Share(lane, row, lane % TEAM, (count + 3u) / 4u);
    bound = threshold(mine, top, true, f32(p.top_k), 0u);
  }
  if (lane % TEAM == 0u && exists) { bounds[row] = min(bound, ranks(vec4f(top)).x); }
}
