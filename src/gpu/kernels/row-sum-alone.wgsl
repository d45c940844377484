// Prelude of the norm kernels for short rows: a thread sums its whole row by itself, which is less
// work than meeting the others of the row at a barrier.

const SUM_STEP = 1u;
fn sum_start(lane: vec3u) -> u32 { return 0u; }
fn row_sum(x: vec2f, lane: vec3u) -> vec2f { return x; }
