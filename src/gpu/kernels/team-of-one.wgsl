// Prelude for short rows: one invocation per row. There are no barriers, which are slow on a
// software adapter.
const TEAM = 1u;
const SIZE = 64u;

fn team_max(lane: u32, x: f32) -> f32 { return x; }
fn team_sum(lane: u32, x: Sum) -> Sum { return x; }
fn team_prefix(lane: u32, x: f32) -> vec3f { return vec3f(0.0, x, x); }
fn all_of_workgroup(lane: u32, x: bool) -> bool { return x; }
