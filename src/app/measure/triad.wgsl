// out[i] = x[i] + 3 y[i] (STREAM triad, McCalpin 1995), or x[i] if COPY; in vec4f.

override COPY: bool = false;

struct Params { count: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> y: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(num_workgroups) groups: vec3u,
) {
  for (var i = group.x * 256u + lane; i < p.count; i += groups.x * 256u) {
    if (COPY) {
      out[i] = x[i];
    } else {
      out[i] = x[i] + 3.0 * y[i];
    }
  }
}
