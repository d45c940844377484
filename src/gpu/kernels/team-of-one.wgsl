// One invocation a row: nothing to share, and no barrier, which a software adapter pays dearly for.
const TEAM = 1u;
const SIZE = 64u;

fn team_max(lane: u32, x: f32) -> f32 { return x; }
fn team_sum(lane: u32, x: vec3f) -> vec3f { return x; }
fn team_prefix(lane: u32, x: f32) -> vec2f { return vec2f(0.0, x); }

