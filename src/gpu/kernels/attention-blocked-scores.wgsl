// Part of the attention kernels for graphics cards. A workgroup owns ROWS neighbouring rows of one
// head and walks the columns that they meet, COLUMNS at a time. Invocation (x, y) computes the scores
// of the rows 4 (y + g Y) + i and the columns at + x + (h KEYS + j) X. Both sides of a product go
// through workgroup memory, CHUNK vec4s of a head at a time:
//   s{p}_{h}_{j}_{g}[i] = left_p of the row . right_p of the column
// Rows go from `first` to last_row, columns from `at` to stop - 1. Beyond, the last one is repeated.
@for p PRODUCTS
@for h PARTS
@for j KEYS
@for g GROUPS
var s{p}_{h}_{j}_{g} = vec4f();
@end g
@end j
@end h
for (var start = 0u; start < HEAD_VECS; start += CHUNK) {
  // All invocations must have read the previous content.
  workgroupBarrier();
  for (var i = index; i < ROWS * CHUNK; i += INVOCATIONS) {
    block[i / CHUNK * PITCH + i % CHUNK] =
      left{p}(min(first + i / CHUNK, last_row), head, start + i % CHUNK);
  }
  for (var i = index; i < COLUMNS * CHUNK; i += INVOCATIONS) {
    block[(ROWS + i / CHUNK) * PITCH + i % CHUNK] =
      right{p}(min(at + i / CHUNK, stop - 1u), head, start + i % CHUNK);
  }
  workgroupBarrier();
  for (var c = 0u; c < CHUNK; c++) {
    @for g GROUPS
    @for i FOUR
    let a{g}_{i} = block[(4u * (y + {g}u * Y) + {i}u) * PITCH + c];
    @end i
    @end g
    @for h PARTS
    @for j KEYS
    let b{h}_{j} = block[(ROWS + x + ({h}u * KEYS + {j}u) * X) * PITCH + c];
    @for g GROUPS
    @for n FOUR
    s{p}_{h}_{j}_{g} = fma(
      vec4f(a{g}_0[{n}], a{g}_1[{n}], a{g}_2[{n}], a{g}_3[{n}]),
      vec4f(b{h}_{j}[{n}]),
      s{p}_{h}_{j}_{g},
    );
    @end n
    @end g
    @end j
    @end h
  }
}
@end p
