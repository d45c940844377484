// Prelude of the attention kernels that walk the keys of ROWS neighbouring queries together.
// A span (x, y, z, w) stands for the key rows [x, y), the prefix, and then [z, w), the segment.

fn length_of(span: vec4u) -> u32 { return span.y - span.x + span.w - span.z; }

// Rows t, t + 1, t + 2 and t + 3 of a span. Past its end, the last row is repeated.
fn rows_from(t: u32, span: vec4u) -> vec4u {
  let at = min(vec4u(t, t + 1u, t + 2u, t + 3u), vec4u(max(length_of(span), 1u) - 1u));
  let prefix = span.y - span.x;
  return at + select(vec4u(span.z - prefix), vec4u(span.x), at < vec4u(prefix));
}

// Which rows are in the span. Unsigned: a row below the start wraps to a large number.
fn within(rows: vec4u, span: vec4u) -> vec4<bool> {
  return (rows - span.x < vec4u(span.y - span.x)) | (rows - span.z < vec4u(span.w - span.z));
}

// True only if `whole` has every row of `part`.
fn covers(whole: vec4u, part: vec4u) -> bool {
  let prefix = part.x == part.y || (part.x >= whole.x && part.y <= whole.y) ||
    (part.x >= whole.z && part.y <= whole.w);
  return prefix && part.z >= whole.z && part.w <= whole.w;
}
