// What the chunks say of their row.
fn chunk_count() -> u32 { return ((p.cols + 3u) / 4u + CHUNK - 1u) / CHUNK; }

fn top_of(row: u32) -> f32 {
  var top = LOWEST;
  let first = row * chunk_count();
  for (var c = first; c < first + chunk_count(); c++) { top = max(top, chunks[c].x); }
  return top;
}
