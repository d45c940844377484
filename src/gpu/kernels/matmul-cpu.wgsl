// c[m,n] (+)= scale * sum of products A[m,k] B[k,n] (+ bias[n] or residual[m,n]), for adapters that
// run shaders on the CPU.
//
// Such an adapter runs four invocations as the lanes of one vector register. SwiftShader makes about
// 360 instructions of the load of a vec4, whatever the addresses, and one of a swap between lanes. So a
// workgroup is one quad, and computes a tile of R x 16 rows and BLOCKS x 16 columns. For every four k,
// FOURS_i times in a turn of the loop over product i (each turn merges all accumulators by masks), a
// lane loads four rows of each block of A and four columns of each block of B. Lane l multiplies its
// columns with the rows of the lanes l, l^1, l^2 and l^3, which it gets by quad swaps: sum_r_b_o is of
// the rows of lane l^o. All accumulators are named variables of matrix type, because an indexed array
// would be in memory.
// With a norm, the squares of A are added up on the way.
// Workgroups: x over columns, y over rows.

fn swap_x(x: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapX(x[0]), quadSwapX(x[1]), quadSwapX(x[2]), quadSwapX(x[3]));
}

fn swap_y(x: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapY(x[0]), quadSwapY(x[1]), quadSwapY(x[2]), quadSwapY(x[3]));
}

// b where chosen, else a.
fn select_block(a: mat4x4f, b: mat4x4f, chosen: bool) -> mat4x4f {
  return mat4x4f(
    select(a[0], b[0], chosen),
    select(a[1], b[1], chosen),
    select(a[2], b[2], chosen),
    select(a[3], b[3], chosen),
  );
}

// Column j of a block is row j of c.
fn row_of(block: mat4x4f, j: u32) -> vec4f {
  return select(
    select(block[0], block[1], j == 1u),
    select(block[2], block[3], j == 3u),
    j > 1u,
  );
}

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = 16u * R * (group.y + p.first_y);
  let row = tile + 4u * lane;
  let column = first_column(group.x + p.first_x) + 4u * lane;
  @for r R
  @for b BLOCKS
  @for o LANES
  var sum_{r}_{b}_{o}: mat4x4f;
  @end o
  @end b
  @for n NORMED
  var squares_{r}: vec4f;
  @end n
  @end r
  @for i PRODUCTS
  {
    let k_end = p.k{i};
    let a_step = step_a{i}();
    let b_step = step_b{i}();
    @for r R
    var a_at_{r} = start_a{i}(row + 16u * {r}u);
    @end r
    @for b BLOCKS
    var b_at_{b} = start_b{i}(column + 16u * {b}u);
    @end b
    for (var k = 0u; k < k_end; k += 4u * FOURS_{i}) {
      @for f FOURS_{i}
      @for b BLOCKS
      let columns_{b}_{f} = load_b{i}(b_at_{b}, k + 4u * {f}u);
      b_at_{b} += b_step;
      @end b
      @for r R
      let loaded_{r}_{f} = load_a{i}(a_at_{r}, k + 4u * {f}u);
      a_at_{r} += a_step;
      @for n NORMED
      squares_{r} += squares_of(loaded_{r}_{f});
      @end n
      let rows_{r}_{f}_0 = transpose(loaded_{r}_{f});
      let rows_{r}_{f}_1 = swap_x(rows_{r}_{f}_0);
      let rows_{r}_{f}_2 = swap_y(rows_{r}_{f}_0);
      let rows_{r}_{f}_3 = swap_y(rows_{r}_{f}_1);
      @for b BLOCKS
      @for o LANES
      sum_{r}_{b}_{o} += columns_{b}_{f} * rows_{r}_{f}_{o};
      @end o
      @end b
      @end r
      @end f
    }
  }
  @end i
  @for r R
  @for n NORMED
  let factors_{r}_0 = factors_of(squares_{r});
  let factors_{r}_1 = quadSwapX(factors_{r}_0);
  let factors_{r}_2 = quadSwapY(factors_{r}_0);
  let factors_{r}_3 = quadSwapY(factors_{r}_1);
  @end n
  @end r
  // Loops, because a store has as many instructions as a load: stores for all rows would be most of the
  // kernel's code, and of the time to compile it. SwiftShader follows all paths through the body of a
  // loop, and each condition doubles their number: so there are few stores in it.
  for (var i = 0u; i < 4u * R; i++) {
    @for b BLOCKS
    var block_{b}: mat4x4f;
    @end b
    @for n NORMED
    var factors: vec4f;
    @end n
    @for r R
    @for o LANES
    let is_{r}_{o} = i == 4u * {r}u + {o}u;
    @for b BLOCKS
    block_{b} = select_block(block_{b}, sum_{r}_{b}_{o}, is_{r}_{o});
    @end b
    @for n NORMED
    factors = select(factors, factors_{r}_{o}, is_{r}_{o});
    @end n
    @end o
    @end r
    @for n NORMED
    @for b BLOCKS
    block_{b} = normed(block_{b}, factors);
    @end b
    @end n
    let first = tile + 16u * (i / 4u) + 4u * (lane ^ (i % 4u));
    for (var j = 0u; j < 4u; j++) {
      @for b BLOCKS
      store(first + j, column + 16u * {b}u, row_of(block_{b}, j));
      @end b
    }
  }
}
