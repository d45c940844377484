// Prelude of the attention kernels in which each invocation loads all that it reads by itself.
const SHARERS = 1u;
fn of_first(x: vec4u) -> vec4u { return x; }
fn of_last(x: vec4u) -> vec4u { return x; }
fn in_all(x: bool) -> bool { return x; }
fn most_of(x: u32) -> u32 { return x; }
