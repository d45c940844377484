// o[row, head] = sum_i w_i sum_i / sum_i w_i total_i,  w_i = 2^(maximum_i - the largest maximum)
//
// The parts i of a row's keys, as attention-decode.wgsl stores them: each is an unnormalised sum, then
// the largest score (base 2) and the sum of the weights. A part without keys has total 0, and a maximum
// that the first part has or exceeds. Each invocation computes a vec4 of o, of `fours` in a head.
struct Params { rows: u32, heads: u32, fours: u32, parts: u32 }

@group(0) @binding(0) var<storage, read> partials: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> o: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.rows * p.heads * p.fours) { return; }
  let pitch = p.fours + 1u;
  let first = id.x / p.fours * p.parts * pitch;
  let last = first + p.parts * pitch;
  var top = partials[first + p.fours].x;
  for (var at = first + pitch; at < last; at += pitch) {
    top = max(top, partials[at + p.fours].x);
  }
  var sum = vec4f();
  var total = 0.0;
  for (var at = first; at < last; at += pitch) {
    let weight = exp2(partials[at + p.fours].x - top);
    sum += weight * partials[at + id.x % p.fours];
    total += weight * partials[at + p.fours].y;
  }
  o[id.x] = sum / total;
}
