// Prelude for teams of several invocations, whichever way they reduce; after theirs.

// The sum of the members before this one, the sum up to it, and the sum of all; in order. What one member
// has as its second sum, the next has as its first, however a compiler orders additions.
fn team_prefix(lane: u32, x: f32) -> vec3f {
  let first = lane - lane % TEAM;
  workgroupBarrier();
  values[lane] = x;
  workgroupBarrier();
  var sum = 0.0;
  for (var i = first; i <= lane; i++) { sum += values[i]; }
  workgroupBarrier();
  values[lane] = sum;
  workgroupBarrier();
  let before = select(values[max(lane, 1u) - 1u], 0.0, lane == first);
  return vec3f(before, values[lane], values[first + TEAM - 1u]);
}
