// Long rows, last launch: a team picks the chunk of a row by its mass, and then the token in it.
@group(0) @binding(6) var<storage, read> chunks: array<vec2f>;
@group(0) @binding(7) var<storage, read> kept: array<u32>; // see sample-least and sample-kept

// The mass of a chunk that the draw uses, relative to the largest logit of the row.
fn mass_of(index: u32, top: f32) -> f32 {
  let chunk = chunks[index];
  if (greedy()) { return select(0.0, 1.0, chunk.x == top); }
  if (has_filter()) { return bitcast<f32>(kept[p.rows + index]); }
  return chunk.y * exp((chunk.x - top) * p.inverse_temperature);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + p.first_x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  var ended = true;
  if (row < p.rows) { ended = done[row] != 0u; }
  let top = top_of(row);
  let count = select(chunk_count(), 0u, ended || diverged(top));
  let base = row * chunk_count();
  var mass = 0.0; // of all tokens
  var drawn = 0.0; // of those that are drawn from
  for (var c = 0u; c < count; c++) {
    let chunk = chunks[base + c];
    mass += chunk.y * exp((chunk.x - top) * p.inverse_temperature);
    drawn += mass_of(base + c, top);
  }
  // The chunk in which the sum passes the goal. If rounding leaves the sum too small, the last one
  // that has a mass.
  let goal = uniform_number(row) * drawn;
  var before = 0.0;
  var own = 0.0;
  var picked = 0u;
  for (var c = 0u; c < count && before + own <= goal; c++) {
    let next = mass_of(base + c, top);
    if (next > 0.0) {
      before += own;
      own = next;
      picked = c;
    }
  }
  var bound = 0u;
  if (greedy()) { bound = ranks(vec4f(top)).x; }
  if (has_threshold() && !ended) { bound = kept[row]; }
  let u = clamp((goal - before) / own, 0.0, 0x1.fffffep-1);
  let first = picked * CHUNK;
  let end = select(min(first + CHUNK, (p.cols + 3u) / 4u), first, count == 0u);
  let draw = token_at(lane, row, first, end, top, bound, u);
  finish(lane, row, ended, draw, top, mass);
}
