// c[m,n] (+)= A B (+ bias[n]), f32, row-major and dense. LAYOUT says how A[m,k] and B[k,n] lie:
// nt: a[m,k], b[n,k]    nn: a[m,k], b[k,n]    tn: a[k,m], b[k,n]
override LAYOUT: u32; // 0 nt, 1 nn, 2 tn
override BIAS: bool;
override ACCUMULATE: bool;

struct Params { m: u32, n: u32, k: u32 }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(16, 4)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.n || id.y >= p.m) { return; }
  var sum = 0.0;
  for (var k = 0u; k < p.k; k++) {
    let x = a[select(id.y * p.k + k, k * p.m + id.y, LAYOUT == 2u)];
    let y = b[select(k * p.n + id.x, id.x * p.k + k, LAYOUT == 0u)];
    sum += x * y;
  }
  if (BIAS) { sum += bias[id.x]; }
  let at = id.y * p.n + id.x;
  if (ACCUMULATE) { sum += c[at]; }
  c[at] = sum;
}
