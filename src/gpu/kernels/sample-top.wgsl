// What the chunks say of their row.
fn chunk_count() -> u32 { return ((p.cols + 3u) / 4u + CHUNK - 1u) / CHUNK; }

fn top_of(row: u32) -> f32 {
  var top = LOWEST;
  let first = row * chunk_count();
  for (var c = first; c < first + chunk_count(); c++) { top = max(top, chunks[c].x); }
  return top;
}

// The sum of all weights of a row, by its team.
fn mass_of_row(lane: u32, row: u32, top: f32) -> f32 {
  let first = row * chunk_count();
  var mass = 0.0;
  for (var c = first + lane % TEAM; c < first + chunk_count(); c += TEAM) {
    mass += chunks[c].y * exp((chunks[c].x - top) * p.inverse_temperature);
  }
  return team_sum(lane, vec4f(mass, 0.0, 0.0, 0.0)).x;
}
