// c[m,n] (+)= scale * sum of products A[m,k] B[k,n] (+ bias[n] or residual[m,n]), for graphics cards.
//
// A workgroup computes a tile of TILE_ROWS x TILE_COLUMNS elements of c. It walks along k in steps
// of STEP: it copies STEP columns of its rows of A, and STEP rows of its columns of B, to workgroup
// memory, and each invocation multiplies them into its own 4 R x 4 C elements, kept in registers.
// Stored formats are unpacked while they are copied, so once a workgroup, or (weights in 16 bits on cards
// where that is faster) when they are multiplied: see matmul-copies.ts. The next step is loaded
// into registers while this one is multiplied.
// Workgroup memory holds both operands k-major, four neighbours together; a row has place for PADDING fours
// more than it needs, so that fewer of the invocations that write neighbouring k meet in one bank. UNROLLED
// values of k are one turn of the loop: more code would not fit in the instruction caches of some cards.
// How far the rows of a block are apart is the same for all invocations: only the first has a register.
// With a norm, each invocation also squares the blocks of A that it copies: at the end all blocks of
// a row add up to its sum of squares.
// SLICED: a tile has SLICES teams of invocations, each with a slice of k and with workgroup memory of its
// own. At the end the upper half of the teams leaves its sums to the lower half, until one has them all.
// Workgroups: x over columns, y over rows, z over parts of k (see matmulInParts).
const ROW_FOURS = TILE_ROWS / 4u;
const COLUMN_FOURS = TILE_COLUMNS / 4u;
const STEP_FOURS = STEP / 4u;
const A_PITCH = ROW_FOURS + PADDING;
const B_PITCH = COLUMN_FOURS + PADDING;
var<workgroup> tile_a: array<array<vec4f, A_PITCH>, SLICES * STEP>;
@for n NORMED
var<workgroup> squares: array<vec4f, ROW_FOURS * STEP_FOURS>;
@end n

// Where `store` finds the part of k.
var<private> part: u32;

@compute @workgroup_size(SLICES * INVOCATIONS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  @for s WHOLE
  const base = 0u;
  let index = invocation;
  part = group.z;
  @end s
  @for s SLICED
  let slice = invocation / INVOCATIONS;
  let base = slice * STEP;
  let index = invocation % INVOCATIONS;
  @end s
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
    @for s WHOLE
    let span = span_of_part(p.k{p}, group.z, groups.z);
    @end s
    @for s SLICED
    let length = length_of_part(p.k{p}, SLICES);
    let span = vec2u(slice * length, min((slice + 1u) * length, p.k{p}));
    @end s
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
    @for s WHOLE
    for (var k = span.x; k < k_end; k += STEP) {
      let goes_on = k + STEP < k_end;
    @end s
    // All slices take as many steps, since they wait for one another: beyond k_end they copy zeros.
    @for s SLICED
    for (var done = 0u; done < length; done += STEP) {
      let k = span.x + done;
      let goes_on = done + STEP < length;
    @end s
      // All have read the step before.
      workgroupBarrier();
      @for l LOADS_A
      if (A_WHOLE || a_block_{l} < ROW_FOURS * STEP_FOURS) {
        @for i FOUR
        tile_a[base + 4u * a_k_{l} + {i}u][a_four_{l}] = a_next_{l}[{i}];
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
        put_b{p}(base + 4u * b_k_{l} + {i}u, b_four_{l}, b_next_{l}[{i}]);
        @end i
      }
      @end l
      workgroupBarrier();
      if (goes_on) {
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
          let a_{r} = tile_a[base + j + {j}u][y + {r}u * Y_INVOCATIONS];
          @end r
          @for c C
          let b_{c} = get_b{p}(base + j + {j}u, x + {c}u * X_INVOCATIONS);
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
  @for s SLICED
  for (var half = SLICES / 2u; half > 0u; half /= 2u) {
    // All have read what lies here.
    workgroupBarrier();
    // Whole rows of workgroup memory for each of the four.
    let place = slice % half * INVOCATIONS + index;
    let row = vec4u(place / A_PITCH) + half * INVOCATIONS / A_PITCH * vec4u(0u, 1u, 2u, 3u);
    if (slice / half == 1u) {
      @for i FOUR
      tile_a[row[{i}]][place % A_PITCH] = sum_0_{i}_0;
      @end i
    }
    workgroupBarrier();
    if (slice < half) {
      @for i FOUR
      sum_0_{i}_0 += tile_a[row[{i}]][place % A_PITCH];
      @end i
    }
  }
  if (slice > 0u) { return; }
  @end s
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
