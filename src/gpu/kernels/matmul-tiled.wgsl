// c[m,n] (+)= A[m,k] B[k,n] (+ bias[n]), f32, for graphics cards.
//
// A workgroup of SLICES x THREADS_Y x THREADS_X computes a tile of 8 THREADS_Y rows by 4 THREADS_X
// columns, each thread 8 x 4 of it in registers. Tiles of A and B pass through workgroup memory,
// 16 steps of k at a time. With SLICES > 1 each slice of the workgroup sums its own part of k and
// the first one adds the parts up in a fixed order: more threads for a small c with a long k, and
// the same result every time.
// Workgroups: x over columns, y over rows.
override THREADS_X: u32;
override THREADS_Y: u32;
override SLICES: u32;

// The tiles as vec4s: 16 steps of k by four rows (or columns) each. Slice after slice.
var<workgroup> tile_a: array<vec4f, SLICES * 16u * 2u * THREADS_Y>;
var<workgroup> tile_b: array<vec4f, SLICES * 16u * THREADS_X>;

@compute @workgroup_size(THREADS_X, THREADS_Y, SLICES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) id: vec3u,
) {
  let thread = id.y * THREADS_X + id.x;
  let threads = THREADS_X * THREADS_Y;
  let tile_row = group.y * 8u * THREADS_Y;
  let tile_column = group.x * 4u * THREADS_X;
  let start_a = id.z * 16u * 2u * THREADS_Y;
  let start_b = id.z * 16u * THREADS_X;
  // Named accumulators: an indexed array would live in memory.
  var c0: vec4f; var c1: vec4f; var c2: vec4f; var c3: vec4f;
  var c4: vec4f; var c5: vec4f; var c6: vec4f; var c7: vec4f;

  let rounds = (p.k + 16u * SLICES - 1u) / (16u * SLICES);
  for (var round = 0u; round < rounds; round++) {
    let k = 16u * (round * SLICES + id.z);
    // Blocks of 4 x 4: four steps of k by a vec4. Neighbours in k first, as nt and nn lie in memory.
    for (var i = thread; i < 8u * THREADS_Y; i += threads) {
      let begin = k + 4u * (i % 4u);
      var block = mat4x4f();
      if (begin < p.k) { block = load_a(tile_row + 4u * (i / 4u), begin); }
      let at = start_a + 4u * (i % 4u) * 2u * THREADS_Y + i / 4u;
      tile_a[at] = block[0];
      tile_a[at + 2u * THREADS_Y] = block[1];
      tile_a[at + 4u * THREADS_Y] = block[2];
      tile_a[at + 6u * THREADS_Y] = block[3];
    }
    for (var i = thread; i < 4u * THREADS_X; i += threads) {
      let begin = k + 4u * (i % 4u);
      var block = mat4x4f();
      if (begin < p.k) { block = load_b(tile_column + 4u * (i / 4u), begin); }
      let at = start_b + 4u * (i % 4u) * THREADS_X + i / 4u;
      tile_b[at] = block[0];
      tile_b[at + THREADS_X] = block[1];
      tile_b[at + 2u * THREADS_X] = block[2];
      tile_b[at + 3u * THREADS_X] = block[3];
    }
    workgroupBarrier();
    for (var step = 0u; step < 16u; step++) {
      let at = start_a + step * 2u * THREADS_Y + 2u * id.y;
      let upper = tile_a[at];
      let lower = tile_a[at + 1u];
      let b = tile_b[start_b + step * THREADS_X + id.x];
      c0 += upper.x * b; c1 += upper.y * b; c2 += upper.z * b; c3 += upper.w * b;
      c4 += lower.x * b; c5 += lower.y * b; c6 += lower.z * b; c7 += lower.w * b;
    }
    workgroupBarrier();
  }

  // Slice by slice through workgroup memory, two accumulators per thread at a time fit everywhere.
  for (var slice = 1u; slice < SLICES; slice++) {
    c0 = add_slice(slice, id.z, thread, c0); c1 = add_slice(slice, id.z, thread, c1);
    c2 = add_slice(slice, id.z, thread, c2); c3 = add_slice(slice, id.z, thread, c3);
    c4 = add_slice(slice, id.z, thread, c4); c5 = add_slice(slice, id.z, thread, c5);
    c6 = add_slice(slice, id.z, thread, c6); c7 = add_slice(slice, id.z, thread, c7);
  }
  if (id.z == 0u) {
    let row = tile_row + 8u * id.y;
    let column = tile_column + 4u * id.x;
    store(row, column, c0);
    store(row + 1u, column, c1);
    store(row + 2u, column, c2);
    store(row + 3u, column, c3);
    store(row + 4u, column, c4);
    store(row + 5u, column, c5);
    store(row + 6u, column, c6);
    store(row + 7u, column, c7);
  }
}

// In slice 0: `sum` plus the same thread's `sum` in slice `source`.
fn add_slice(source: u32, own: u32, thread: u32, sum: vec4f) -> vec4f {
  workgroupBarrier();
  if (own == source) { tile_a[thread] = sum; }
  workgroupBarrier();
  return select(sum, sum + tile_a[thread], own == 0u);
}
