// d_weight[c] += sum over chunks of partials[rows + chunk * cols + c]
// One invocation per column; it sums in order. The chunks are few: see CHUNKS in rms-norm.ts.

struct Params { rows: u32, cols: u32, chunks: u32 }

@group(0) @binding(0) var<storage, read> partials: array<Element>;
@group(0) @binding(1) var<storage, read_write> d_weight: array<Element>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.cols) { return; }
  var sum = d_weight[id.x];
  for (var chunk = 0u; chunk < p.chunks; chunk++) {
    sum += partials[p.rows + chunk * p.cols + id.x];
  }
  d_weight[id.x] = sum;
}
