// Prelude of the attention kernels where one thread holds a whole head.

fn over_slices(x: vec4f, lane: vec3u) -> vec4f { return x; }
fn longest(count: u32) -> u32 { return count; }
