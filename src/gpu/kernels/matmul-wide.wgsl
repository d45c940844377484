// c[m,n] (+)= scale * sum of products A[m,k] B[k,n] (+ bias[n] or residual[m,n]), for adapters on the
// CPU whose vector registers hold a whole workgroup.
//
// All invocations of a workgroup read the same rows of A, which the adapter loads once and
// broadcasts; each has four columns of its own, side by side, for R blocks of four rows. All
// accumulators are named variables of matrix type, because an indexed array would be in memory.
// With a norm, the squares of A are added up on the way.
// Workgroups: x over columns, y over rows.

// Column j of a block is row j of c.
fn store_block(row: u32, column: u32, block: mat4x4f) {
  store(row, column, block[0]);
  store(row + 1u, column, block[1]);
  store(row + 2u, column, block[2]);
  store(row + 3u, column, block[3]);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = 4u * R * (group.y + p.first_y);
  let column = first_column(group.x + p.first_x) + 4u * lane;
  @for r R
  var sum_{r}: mat4x4f;
  @for n NORMED
  var squares_{r}: vec4f;
  @end n
  @end r
  @for i PRODUCTS
  {
    let k_end = p.k{i};
    let a_step = step_a{i}();
    let b_step = step_b{i}();
    var b_at = start_b{i}(column);
    @for r R
    var a_at_{r} = start_a{i}(tile + 4u * {r}u);
    @end r
    for (var k = 0u; k < k_end; k += 4u) {
      let columns = load_b{i}(b_at, k);
      b_at += b_step;
      @for r R
      let rows_{r} = load_a{i}(a_at_{r}, k);
      sum_{r} += columns * transpose(rows_{r});
      a_at_{r} += a_step;
      @for n NORMED
      squares_{r} += squares_of(rows_{r});
      @end n
      @end r
    }
  }
  @end i
  @for r R
  @for n NORMED
  sum_{r} = normed(sum_{r}, factors_of(squares_{r}));
  @end n
  store_block(tile + 4u * {r}u, column, sum_{r});
  @end r
}
