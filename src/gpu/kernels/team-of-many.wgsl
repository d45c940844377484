// Prelude for long rows: TEAM neighbouring invocations share a row and reduce it in workgroup
// memory. `lane` is the index of an invocation in its workgroup of SIZE; a team starts at a
// multiple of TEAM. All invocations must call these functions, in uniform control flow.
override TEAM: u32;
override SIZE = max(TEAM, 64u);
var<workgroup> scratch: array<vec3f, SIZE>;

fn team_max(lane: u32, x: f32) -> f32 {
  workgroupBarrier();
  scratch[lane].x = x;
  for (var half = TEAM / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane % TEAM < half) { scratch[lane].x = max(scratch[lane].x, scratch[lane + half].x); }
  }
  workgroupBarrier();
  return scratch[lane - lane % TEAM].x;
}

fn team_sum(lane: u32, x: vec3f) -> vec3f {
  workgroupBarrier();
  scratch[lane] = x;
  for (var half = TEAM / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane % TEAM < half) { scratch[lane] += scratch[lane + half]; }
  }
  workgroupBarrier();
  return scratch[lane - lane % TEAM];
}

// (sum of the members before this one, sum of all), summed in order.
fn team_prefix(lane: u32, x: f32) -> vec2f {
  workgroupBarrier();
  scratch[lane].x = x;
  workgroupBarrier();
  var sums = vec2f(0.0);
  let start = lane - lane % TEAM;
  for (var i = start; i < start + TEAM; i++) {
    if (i == lane) { sums.x = sums.y; }
    sums.y += scratch[i].x;
  }
  return sums;
}

