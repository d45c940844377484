// Prelude of the attention kernels for graphics cards whose rows are queries: which keys a workgroup
// walks. A span (x, y, z, w) stands for the keys [x, y), the prefix, and [z, w), the segment.

var<workgroup> starts: array<atomic<u32>, 2>;
var<workgroup> ends: array<atomic<u32>, 2>;
var<workgroup> walk_all: vec4u;

// True if the span has every key of [at, at + COLUMNS).
fn sees_tile(span: vec4u, at: u32) -> bool {
  let end = at + COLUMNS;
  return (span.x <= at && end <= span.y) || (span.z <= at && end <= span.w);
}

// Which of four queries see a key. Unsigned: a key below the start wraps to a large number.
fn see(a: vec4u, b: vec4u, c: vec4u, d: vec4u, key: u32) -> vec4<bool> {
  let x = vec4u(a.x, b.x, c.x, d.x);
  let z = vec4u(a.z, b.z, c.z, d.z);
  return (vec4u(key) - x < vec4u(a.y, b.y, c.y, d.y) - x) |
    (vec4u(key) - z < vec4u(a.w, b.w, c.w, d.w) - z);
}

fn widen(which: u32, start: u32, end: u32) {
  atomicMin(&starts[which], start);
  atomicMax(&ends[which], end);
}

// Two ranges of keys that do not overlap and hold the spans of all ROWS queries. In a packed batch
// they hold no other keys: the segments of neighbouring queries leave no gap, and only prefixes that
// begin before the first segment lie outside. Rows of prompts that begin alike also walk, between their own
// keys, the copies of their common beginning.
fn walk_of_all(first: u32, index: u32) -> vec4u {
  if (index < 2u) { atomicStore(&starts[index], 0xffffffffu); }
  workgroupBarrier();
  for (var i = index; i < ROWS; i += INVOCATIONS) {
    let span = span_of(first + i);
    if (span.z < span.w) { widen(1u, span.z, span.w); }
  }
  workgroupBarrier();
  let segments = vec2u(atomicLoad(&starts[1]), atomicLoad(&ends[1]));
  for (var i = index; i < ROWS; i += INVOCATIONS) {
    let span = span_of(first + i);
    let within = segments.x <= span.x && span.y <= segments.y;
    if (span.x < span.y && !within) { widen(0u, span.x, span.y); }
  }
  workgroupBarrier();
  if (index == 0u) {
    let prefixes = vec2u(atomicLoad(&starts[0]), atomicLoad(&ends[0]));
    let apart = prefixes.y <= segments.x || segments.y <= prefixes.x;
    let hull = vec4u(min(prefixes.x, segments.x), max(prefixes.y, segments.y), 0u, 0u);
    walk_all = select(hull, vec4u(prefixes, segments), apart);
  }
  return workgroupUniformLoad(&walk_all);
}
