// Prelude of the attention kernels in which one invocation has a whole head.

fn over_slices(x: vec4f, lane: vec3u) -> vec4f { return x; }
fn longest(count: u32, lane: vec3u) -> u32 { return count; }
