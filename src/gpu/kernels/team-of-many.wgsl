// Prelude for teams that reduce in workgroup memory: TEAM neighbouring invocations share a row.
// `lane` is the index of an invocation in its workgroup of SIZE; a team starts at a multiple of
// TEAM. All invocations must call these functions, in uniform control flow.
override TEAM: u32;
override SIZE = max(TEAM, 64u);
var<workgroup> sums: array<Sum, SIZE>;
// Not in fours: who writes one component of a vector may write back the old values of the others.
var<workgroup> values: array<f32, SIZE>;

fn team_max(lane: u32, x: f32) -> f32 {
  workgroupBarrier();
  values[lane] = x;
  workgroupBarrier();
  if (TEAM > 16u) {
    // The first 16 of a team take a sixteenth each.
    if (lane % TEAM < 16u) {
      for (var i = 16u; i < TEAM; i += 16u) { values[lane] = max(values[lane], values[lane + i]); }
    }
    workgroupBarrier();
  }
  let first = lane - lane % TEAM;
  var top = values[first];
  for (var i = 1u; i < min(TEAM, 16u); i++) { top = max(top, values[first + i]); }
  return top;
}

fn team_sum(lane: u32, x: Sum) -> Sum {
  workgroupBarrier();
  sums[lane] = x;
  workgroupBarrier();
  if (TEAM > 16u) {
    // The first 16 of a team sum a sixteenth each.
    if (lane % TEAM < 16u) {
      for (var i = 16u; i < TEAM; i += 16u) { sums[lane] += sums[lane + i]; }
    }
    workgroupBarrier();
  }
  let first = lane - lane % TEAM;
  var sum = sums[first];
  for (var i = 1u; i < min(TEAM, 16u); i++) { sum += sums[first + i]; }
  return sum;
}

var<workgroup> votes: array<u32, 4>; // a workgroup has four teams or one

// Whether x, which the members of a team agree on, is true in all teams. The result is uniform.
fn all_of_workgroup(lane: u32, x: bool) -> bool {
  if (lane % TEAM == 0u) { votes[lane / TEAM] = u32(x); }
  let all = workgroupUniformLoad(&votes);
  var sum = 0u;
  for (var i = 0u; i < SIZE / TEAM; i++) { sum += all[i]; }
  return sum == SIZE / TEAM;
}
