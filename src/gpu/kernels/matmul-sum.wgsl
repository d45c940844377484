// c[m,n] (+)= scale * sum over i < parts of partials[i,m,n] (+ bias[n] or residual[m,n])
//
// The second launch of a product whose k is cut into parts. The order of the sum is fixed. Rows of
// partials are whole vec4s. Each invocation computes four neighbours of c.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let fours = (p.n + 3u) / 4u;
  let size = p.m * fours;
  if (id.x >= size) { return; }
  var sum = vec4f();
  for (var at = id.x; at < p.parts * size; at += size) {
    sum += partials[at];
  }
  store(id.x / fours, 4u * (id.x % fours), sum);
}
