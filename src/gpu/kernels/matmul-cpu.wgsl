// c[m,n] (+)= scale * sum of products A[m,k] B[k,n] (+ bias[n] or residual[m,n]), for adapters that
// run shaders on the CPU.
//
// Such an adapter runs four invocations as the lanes of one vector register. A load costs about
// fifty instructions, whatever the addresses; a swap between lanes costs one. So a workgroup is one
// quad, and computes a tile of 16 rows and BLOCKS x 16 columns. For every four k, a lane loads four
// rows of A and four columns of each block of B. Lane l multiplies its columns with the rows of the
// lanes l, l^1, l^2 and l^3, which it gets by quad swaps. All accumulators are named variables of
// matrix type, because an indexed array would be in memory.
// Workgroups: x over columns, y over rows.
fn swap_x(x: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapX(x[0]), quadSwapX(x[1]), quadSwapX(x[2]), quadSwapX(x[3]));
}

fn swap_y(x: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapY(x[0]), quadSwapY(x[1]), quadSwapY(x[2]), quadSwapY(x[3]));
}

// Stores four rows of c, four columns each; column i of `block` is row i.
fn store_block(row: u32, column: u32, block: mat4x4f) {
  store(row, column, block[0]);
  store(row + 1u, column, block[1]);
  store(row + 2u, column, block[2]);
  store(row + 3u, column, block[3]);
}

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = 16u * (group.y + p.first_group);
  let row = tile + 4u * lane;
  let column = first_column(group.x) + 4u * lane;
  @for b BLOCKS
  var own_{b}: mat4x4f;
  var by_x_{b}: mat4x4f;
  var by_y_{b}: mat4x4f;
  var by_xy_{b}: mat4x4f;
  @end b
  @for i PRODUCTS
  {
    let k_end = p.k{i};
    var a_at = start_a{i}(row);
    let a_step = step_a{i}();
    let b_step = step_b{i}();
    @for b BLOCKS
    var b_at_{b} = start_b{i}(column + 16u * {b}u);
    @end b
    for (var k = 0u; k < k_end; k += 4u) {
      let rows = transpose(load_a{i}(a_at, k));
      a_at += a_step;
      let rows_x = swap_x(rows);
      let rows_y = swap_y(rows);
      let rows_xy = swap_y(rows_x);
      @for b BLOCKS
      let columns_{b} = load_b{i}(b_at_{b}, k);
      b_at_{b} += b_step;
      own_{b} += columns_{b} * rows;
      by_x_{b} += columns_{b} * rows_x;
      by_y_{b} += columns_{b} * rows_y;
      by_xy_{b} += columns_{b} * rows_xy;
      @end b
    }
  }
  @end i
  @for b BLOCKS
  store_block(row, column + 16u * {b}u, own_{b});
  store_block(tile + 4u * (lane ^ 1u), column + 16u * {b}u, by_x_{b});
  store_block(tile + 4u * (lane ^ 2u), column + 16u * {b}u, by_y_{b});
  store_block(tile + 4u * (lane ^ 3u), column + 16u * {b}u, by_xy_{b});
  @end b
}
