// c[m,n] (+)= scale * sum of products A[m,k] B[n,k]^T (+ bias[n] or residual[m,n]), for graphics
// cards and few rows: decoding, where reading the weights takes most of the time.
//
// A workgroup computes ROWS rows of four columns. Its invocations share out k, so that neighbours
// read neighbouring weights; each adds up its own dot products, and workgroup memory adds up theirs:
// PARTS invocations a row first, then one. With a norm, the squares of A are added up after them.
// Workgroups: x and z over columns, of which a vocabulary has more than one axis holds; y over rows. The
// columns of x and z are the (x * groups.z + z)-th four, so that a cut along x keeps neighbours together.
const ROWS = 4u * R;
const PARTS = TEAM / ROWS;
var<workgroup> sums: array<vec4f, ROWS * TEAM>;
var<workgroup> parts: array<vec4f, TEAM>;
@for n NORMED
var<workgroup> square_parts: array<f32, TEAM>;
@end n

@compute @workgroup_size(TEAM)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = ROWS * (group.y + p.first_y);
  let column = first_column((group.x + p.first_x) * groups.z + group.z);
  @for r R
  @for i FOUR
  var sum_{r}_{i}: vec4f;
  @end i
  @for n NORMED
  var squares_{r}: vec4f;
  @end n
  @end r
  @for p PRODUCTS
  {
    let k_end = p.k{p};
    var b_at = start_b{p}(column) + lane * step_b{p}();
    let b_step = TEAM * step_b{p}();
    let a_step = TEAM * step_a{p}();
    @for r R
    var a_at_{r} = start_a{p}(row + 4u * {r}u) + lane * step_a{p}();
    @end r
    for (var k = 4u * lane; k < k_end; k += 4u * TEAM) {
      let b = rows_b{p}(b_at, k);
      b_at += b_step;
      @for r R
      let a_{r} = rows_a{p}(a_at_{r}, k);
      a_at_{r} += a_step;
      @for n NORMED
      squares_{r} += vec4f(
        dot(a_{r}[0], a_{r}[0]),
        dot(a_{r}[1], a_{r}[1]),
        dot(a_{r}[2], a_{r}[2]),
        dot(a_{r}[3], a_{r}[3]),
      );
      @end n
      @for i FOUR
      sum_{r}_{i} += vec4f(
        dot(a_{r}[{i}], b[0]),
        dot(a_{r}[{i}], b[1]),
        dot(a_{r}[{i}], b[2]),
        dot(a_{r}[{i}], b[3]),
      );
      @end i
      @end r
    }
  }
  @end p
  @for r R
  @for i FOUR
  sums[(4u * {r}u + {i}u) * TEAM + lane] = sum_{r}_{i};
  @end i
  @end r
  workgroupBarrier();
  let first = lane / PARTS * TEAM + lane % PARTS;
  var part: vec4f;
  for (var i = 0u; i < TEAM; i += PARTS) {
    part += sums[first + i];
  }
  parts[lane] = part;
  workgroupBarrier();
  @for n NORMED
  // All have read the sums of products: the squares take their place.
  @for r R
  @for i FOUR
  sums[(4u * {r}u + {i}u) * TEAM + lane] = vec4f(squares_{r}[{i}], 0.0, 0.0, 0.0);
  @end i
  @end r
  workgroupBarrier();
  var square_part = 0.0;
  for (var i = 0u; i < TEAM; i += PARTS) {
    square_part += sums[first + i].x;
  }
  square_parts[lane] = square_part;
  workgroupBarrier();
  @end n
  if (lane < ROWS) {
    var total: vec4f;
    for (var i = 0u; i < PARTS; i++) {
      total += parts[lane * PARTS + i];
    }
    @for n NORMED
    var square = 0.0;
    for (var i = 0u; i < PARTS; i++) {
      square += square_parts[lane * PARTS + i];
    }
    total *= inverseSqrt(square / f32(p.k0) + p.eps);
    @end n
    store(row + lane, column, total);
  }
}
