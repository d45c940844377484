// Prelude of the attention kernels whose threads load keys and values each for itself.
const SHARERS = 1u;
fn of_first(x: vec4u) -> vec4u { return x; }
fn of_last(x: vec4u) -> vec4u { return x; }
fn in_all(x: bool) -> bool { return x; }
fn most_of(x: u32) -> u32 { return x; }
