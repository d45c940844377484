// c[m,n] (+)= scale * sum of products A[m,k] B[k,n] (+ bias[n] or residual[m,n]), for graphics cards.
//
// Each thread computes a 4 x 4 block of c in registers, four steps of k at a time; the caches serve
// the rows and columns that the 8 x 8 threads of a workgroup share.
// Workgroups: x over columns, y over rows.
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = 4u * id.y;
  let column = 4u * id.x;
  var block = mat4x4f();
  @for i PRODUCTS
  {
    let k_end = p.k{i};
    var a_at = start_a{i}(row);
    var b_at = start_b{i}(column);
    let a_step = step_a{i}();
    let b_step = step_b{i}();
    for (var k = 0u; k < k_end; k += 4u) {
      block += load_b{i}(b_at, k) * transpose(load_a{i}(a_at, k));
      a_at += a_step;
      b_at += b_step;
    }
  }
  @end i
  store(row, column, block[0]);
  store(row + 1u, column, block[1]);
  store(row + 2u, column, block[2]);
  store(row + 3u, column, block[3]);
}
