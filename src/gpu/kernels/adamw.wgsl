// One step of AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019), as
// torch.optim.AdamW computes it, after torch's clip_grad_norm_, on elements [offset, offset + count):
//   g = gradient * min(1, max_norm / (norm + 1e-6)),  norm = sqrt(norm_squared)     (max_norm 0 = off)
//   m = beta1 m + (1 - beta1) g        v = beta2 v + (1 - beta2) g^2
//   w = (1 - lr weight_decay) w - lr / correction1 * m / (sqrt(v / correction2) + eps)
//   gradient = 0
// If the norm is not finite, only the gradients are set to 0, so that one bad batch does not spoil
// the weights. A workgroup updates BLOCK elements; an invocation takes four at a time, every 64th.
struct Params {
  offset: u32, count: u32, lr: f32, eps: f32, weight_decay: f32, max_norm: f32,
  beta1: f32, rest1: f32, correction1: f32, // rest = 1 - beta, correction = 1 - beta^step
  beta2: f32, rest2: f32, correction2: f32,
  first_x: u32,
}
@group(0) @binding(0) var<storage, read_write> weights: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> gradients: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> norm_squared: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

const BLOCK = 1024u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let end = p.offset + p.count;
  let first_four = p.offset / 4u + (group.x + p.first_x + group.y * 65535u) * (BLOCK / 4u);
  let squared = norm_squared[0];
  // Tested by its bits, because WGSL may assume that no value is infinite or NaN.
  let finite = (bitcast<u32>(squared) & 0x7f800000u) != 0x7f800000u;
  var clip = 1.0;
  if (p.max_norm > 0.0) { clip = min(1.0, p.max_norm / (sqrt(squared) + 1e-6)); }
  let decay = 1.0 - p.lr * p.weight_decay;
  let rate = p.lr / p.correction1;
  let spread = 1.0 / sqrt(p.correction2);
  for (var i = first_four + lane; i < first_four + BLOCK / 4u && 4u * i < end; i += 64u) {
    // All of the four, except at the ends of the range.
    let ours = within(i, p.offset, end);
    let gradient = gradients[i];
    gradients[i] = select(gradient, vec4f(), ours);
    if (finite) {
      let g = gradient * clip;
      let old_m = m[i];
      let old_v = v[i];
      let old_weight = weights[i];
      let new_m = p.beta1 * old_m + p.rest1 * g;
      let new_v = p.beta2 * old_v + p.rest2 * g * g;
      let new_weight = decay * old_weight - rate * new_m / (sqrt(new_v) * spread + p.eps);
      m[i] = select(old_m, new_m, ours);
      v[i] = select(old_v, new_v, ours);
      weights[i] = select(old_weight, new_weight, ours);
    }
  }
}
