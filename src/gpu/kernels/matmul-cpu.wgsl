// c[m,n] (+)= scale * sum of products A[m,k] B[k,n] (+ bias[n] or residual[m,n]), for adapters that
// run shaders on the CPU.
//
// Such an adapter runs four invocations as the lanes of one vector register. SwiftShader makes about
// 360 instructions of the load of a vec4, whatever the addresses, and one of a swap between lanes. So a
// workgroup is one quad, and computes a tile of R x 16 rows and BLOCKS x 16 columns. For every four k, a
// lane loads four rows of each block of A and four columns of each block of B. Lane l multiplies its
// columns with the rows of the lanes l, l^1, l^2 and l^3, which it gets by quad swaps. All accumulators
// are named variables of matrix type, because an indexed array would be in memory.
// With a norm, the squares of A are added up on the way.
// Workgroups: x over columns, y over rows.
fn swap_x(x: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapX(x[0]), quadSwapX(x[1]), quadSwapX(x[2]), quadSwapX(x[3]));
}

fn swap_y(x: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapY(x[0]), quadSwapY(x[1]), quadSwapY(x[2]), quadSwapY(x[3]));
}

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = 16u * R * (group.y + p.first_group);
  let row = tile + 4u * lane;
  let column = first_column(group.x) + 4u * lane;
  @for r R
  @for b BLOCKS
  var own_{r}_{b}: mat4x4f;
  var by_x_{r}_{b}: mat4x4f;
  var by_y_{r}_{b}: mat4x4f;
  var by_xy_{r}_{b}: mat4x4f;
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
    for (var k = 0u; k < k_end; k += 4u) {
      @for b BLOCKS
      let columns_{b} = load_b{i}(b_at_{b}, k);
      b_at_{b} += b_step;
      @end b
      @for r R
      let loaded_{r} = load_a{i}(a_at_{r}, k);
      a_at_{r} += a_step;
      @for n NORMED
      squares_{r} += squares_of(loaded_{r});
      @end n
      let rows_{r} = transpose(loaded_{r});
      let rows_x_{r} = swap_x(rows_{r});
      let rows_y_{r} = swap_y(rows_{r});
      let rows_xy_{r} = swap_y(rows_x_{r});
      @for b BLOCKS
      own_{r}_{b} += columns_{b} * rows_{r};
      by_x_{r}_{b} += columns_{b} * rows_x_{r};
      by_y_{r}_{b} += columns_{b} * rows_y_{r};
      by_xy_{r}_{b} += columns_{b} * rows_xy_{r};
      @end b
      @end r
    }
  }
  @end i
  @for r R
  @for n NORMED
  let squares_x_{r} = quadSwapX(squares_{r});
  let squares_y_{r} = quadSwapY(squares_{r});
  let squares_xy_{r} = quadSwapY(squares_x_{r});
  @for b BLOCKS
  own_{r}_{b} = normed(own_{r}_{b}, squares_{r});
  by_x_{r}_{b} = normed(by_x_{r}_{b}, squares_x_{r});
  by_y_{r}_{b} = normed(by_y_{r}_{b}, squares_y_{r});
  by_xy_{r}_{b} = normed(by_xy_{r}_{b}, squares_xy_{r});
  @end b
  @end n
  @for b BLOCKS
  store_block(row + 16u * {r}u, column + 16u * {b}u, own_{r}_{b});
  store_block(tile + 16u * {r}u + 4u * (lane ^ 1u), column + 16u * {b}u, by_x_{r}_{b});
  store_block(tile + 16u * {r}u + 4u * (lane ^ 2u), column + 16u * {b}u, by_y_{r}_{b});
  store_block(tile + 16u * {r}u + 4u * (lane ^ 3u), column + 16u * {b}u, by_xy_{r}_{b});
  @end b
  @end r
}
