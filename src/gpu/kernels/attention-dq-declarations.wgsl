// What attention-dq.wgsl and attention-blocked-dq.wgsl declare alike; attention-dq.wgsl has the
// shapes and units.

const LOG2_E = 1.4426950408889634;

struct Params {
  tokens: u32,
  heads: u32,
  group: u32,
  scale: f32,
  stride: u32,
  k_offset: u32,
  v_offset: u32,
  d_stride: u32,
  first_y: u32,
  first_x: u32,
}

@group(0) @binding(0) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(1) var<storage, read> o: array<vec4f>;
@group(0) @binding(2) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(3) var<storage, read> lse: array<f32>;
@group(0) @binding(4) var<storage, read> spans: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> delta: array<f32>;
@group(0) @binding(6) var<storage, read_write> d_qkv: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

