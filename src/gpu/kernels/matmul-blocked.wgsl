// c[m,n] (+)= scale * sum of products A[m,k] B[k,n] (+ bias[n] or residual[m,n]), for graphics cards.
//
// A workgroup computes a tile of TILE_ROWS x TILE_COLUMNS elements of c. It walks along k in steps
// of STEP: it copies STEP columns of its rows of A, and STEP rows of its columns of B, to workgroup
// memory, and each invocation multiplies them into its own 4 R x 4 C elements, kept in registers.
// Stored formats are unpacked while they are copied, so once a workgroup, or (weights in 16 bits on cards
// where that is faster) when they are multiplied: see matmul-copies.ts. The next step is loaded
// into registers while this one is multiplied.
// Workgroup memory holds both operands k-major, four neighbours together; a row has place for four more
// than it needs, so that fewer of the invocations that write neighbouring k meet in one bank. UNROLLED
// values of k are one turn of the loop: more code would not fit in the instruction caches of some cards.
// How far the rows of a block are apart is the same for all invocations: only the first has a register.
// With a norm, each invocation also squares the blocks of A that it copies: at the end all blocks of
// a row add up to its sum of squares.
// Workgroups: x over columns, y over rows, z over parts of k (see matmulInParts).
const ROW_FOURS = TILE_ROWS / 4u;
const COLUMN_FOURS = TILE_COLUMNS / 4u;
const STEP_FOURS = STEP / 4u;
const A_PITCH = ROW_FOURS + 1u;
const B_PITCH = COLUMN_FOURS + 1u;
var<workgroup> tile_a: array<array<vec4f, A_PITCH>, STEP>;
@for n NORMED
var<workgroup> squares: array<vec4f, ROW_FOURS * STEP_FOURS>;
@end n

// Where `store` finds the part of k.
var<private> part: u32;

@compute @workgroup_size(INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  part = group.z;
  let first_row = TILE_ROWS * (group.y + p.first_y);
  let left_column = first_column(group.x + p.first_x);
  // Neighbouring invocations own neighbouring vec4s of c.
  let x = index % X_INVOCATIONS;
  let y = index / X_INVOCATIONS;
  @for r R
  @for i FOUR
  @for c C
  var sum_{r}_{i}_{c}: vec4f;
  @end c
  @end i
  @end r
  @for p PRODUCTS
  {
    let span = span_of_part(p.k{p}, group.z, groups.z);
    let k_end = span.y;
    let first_four = span.x / 4u;
    let a_rows = start_a{p}(0u) - start_a{p}(0u).x;
    @for l LOADS_A
    let a_block_{l} = index + {l}u * INVOCATIONS;
    let a_place_{l} = place_a{p}(a_block_{l});
    let a_four_{l} = a_place_{l}.x;
    let a_k_{l} = a_place_{l}.y;
    let a_from_{l} = first_four + a_k_{l};
    var a_at_{l} = start_a{p}(first_row + 4u * a_four_{l}).x + a_from_{l} * step_a{p}();
    var a_next_{l} = copy_a{p}(a_rows + a_at_{l}, 4u * a_from_{l}, k_end);
    @for n NORMED
    var squares_{l}: vec4f;
    @end n
    @end l
    let b_rows = start_b{p}(0u) - start_b{p}(0u).x;
    @for l LOADS_B
    let b_block_{l} = index + {l}u * INVOCATIONS;
    let b_place_{l} = place_b{p}(b_block_{l});
    let b_four_{l} = b_place_{l}.x;
    let b_k_{l} = b_place_{l}.y;
    let b_from_{l} = first_four + b_k_{l};
    var b_at_{l} = start_b{p}(left_column + 4u * b_four_{l}).x + b_from_{l} * step_b{p}();
    var b_next_{l} = copy_b{p}(b_rows + b_at_{l}, 4u * b_from_{l}, k_end);
    @end l
    for (var k = span.x; k < k_end; k += STEP) {
      // All have read the step before.
      workgroupBarrier();
      @for l LOADS_A
      if (A_WHOLE || a_block_{l} < ROW_FOURS * STEP_FOURS) {
        @for i FOUR
        tile_a[4u * a_k_{l} + {i}u][a_four_{l}] = a_next_{l}[{i}];
        @end i
        @for n NORMED
        squares_{l} += a_next_{l}[0] * a_next_{l}[0] + a_next_{l}[1] * a_next_{l}[1]
          + a_next_{l}[2] * a_next_{l}[2] + a_next_{l}[3] * a_next_{l}[3];
        @end n
      }
      @end l
      @for l LOADS_B
      if (B_WHOLE || b_block_{l} < COLUMN_FOURS * STEP_FOURS) {
        @for i FOUR
        put_b{p}(4u * b_k_{l} + {i}u, b_four_{l}, b_next_{l}[{i}]);
        @end i
      }
      @end l
      workgroupBarrier();
      if (k + STEP < k_end) {
        @for l LOADS_A
        a_at_{l} += STEP_FOURS * step_a{p}();
        a_next_{l} = copy_a{p}(a_rows + a_at_{l}, k + STEP + 4u * a_k_{l}, k_end);
        @end l
        @for l LOADS_B
        b_at_{l} += STEP_FOURS * step_b{p}();
        b_next_{l} = copy_b{p}(b_rows + b_at_{l}, k + STEP + 4u * b_k_{l}, k_end);
        @end l
      }
      for (var j = 0u; j < STEP; j += UNROLLED) {
        @for j UNROLLED
        {
          @for r R
          let a_{r} = tile_a[j + {j}u][y + {r}u * Y_INVOCATIONS];
          @end r
          @for c C
          let b_{c} = get_b{p}(j + {j}u, x + {c}u * X_INVOCATIONS);
          @end c
          @for r R
          @for i FOUR
          @for c C
          sum_{r}_{i}_{c} = fma(vec4f(a_{r}[{i}]), b_{c}, sum_{r}_{i}_{c});
          @end c
          @end i
          @end r
        }
        @end j
      }
    }
    @for n NORMED
    @for l LOADS_A
    if (A_WHOLE || a_block_{l} < ROW_FOURS * STEP_FOURS) {
      squares[a_block_{l}] = squares_{l};
    }
    @end l
    workgroupBarrier();
    @for r R
    // Neighbouring blocks are of the same four rows.
    let from_{r} = (y + {r}u * Y_INVOCATIONS) * STEP_FOURS;
    var square_{r}: vec4f;
    for (var i = 0u; i < STEP_FOURS; i++) {
      square_{r} += squares[from_{r} + i];
    }
    let factor_{r} = inverseSqrt(square_{r} / f32(k_end) + p.eps);
    @for i FOUR
    @for c C
    sum_{r}_{i}_{c} *= factor_{r}[{i}];
    @end c
    @end i
    @end r
    @end n
  }
  @end p
  @for r R
  @for i FOUR
  @for c C
  store(
    first_row + 4u * (y + {r}u * Y_INVOCATIONS) + {i}u,
    left_column + 4u * (x + {c}u * X_INVOCATIONS),
    sum_{r}_{i}_{c},
  );
  @end c
  @end i
  @end r
}
