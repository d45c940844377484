// c[m,n] (+)= A[m,k] B[k,n] (+ bias[n] or residual[m,n]), f32, for adapters that run shaders on the CPU.
//
// Such an adapter runs four invocations as the lanes of one vector register, and a load costs it
// some fifty instructions whatever the addresses, a swap between lanes only one. So a workgroup is
// one quad that computes a 16 x 16 tile: every lane loads four rows of A and four columns of B for
// four steps of k, and lane l multiplies its columns with the rows of lanes l, l^1, l^2 and l^3,
// which reach it by quad swaps: 1024 multiplications for 32 loaded numbers. All four products are
// named variables of matrix type, since an indexed array would live in memory.
// Workgroups: x over columns, y over rows.
fn swap_x(x: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapX(x[0]), quadSwapX(x[1]), quadSwapX(x[2]), quadSwapX(x[3]));
}

fn swap_y(x: mat4x4f) -> mat4x4f {
  return mat4x4f(quadSwapY(x[0]), quadSwapY(x[1]), quadSwapY(x[2]), quadSwapY(x[3]));
}

// Four rows of c, four columns each; column i of `block` is row i.
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
  let tile = 16u * group.y;
  let row = tile + 4u * lane;
  let column = 16u * group.x + 4u * lane;
  var own: mat4x4f;
  var by_x: mat4x4f;
  var by_y: mat4x4f;
  var by_xy: mat4x4f;
  let k_end = p.k;
  var a_at = start_a(row);
  var b_at = start_b(column);
  let a_step = step_a();
  let b_step = step_b();
  for (var k = 0u; k < k_end; k += 4u) {
    let columns = load_b(b_at, k);
    let rows = transpose(load_a(a_at, k));
    a_at += a_step;
    b_at += b_step;
    let rows_x = swap_x(rows);
    own += columns * rows;
    by_x += columns * rows_x;
    by_y += columns * swap_y(rows);
    by_xy += columns * swap_y(rows_x);
  }
  store_block(row, column, own);
  store_block(tile + 4u * (lane ^ 1u), column, by_x);
  store_block(tile + 4u * (lane ^ 2u), column, by_y);
  store_block(tile + 4u * (lane ^ 3u), column, by_xy);
}
