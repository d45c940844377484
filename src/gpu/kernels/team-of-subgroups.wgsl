// Prelude for teams that reduce by subgroups: a workgroup of SIZE invocations shares a row. WGSL does
// not say which of them form a subgroup, so each subgroup has its result at the place of one of its
// members, and then reads all places, wherever they were written. Subgroups may be of any size and
// need not be full. All invocations must call these functions, in uniform control flow.
override TEAM: u32;
override SIZE = TEAM;
var<workgroup> sums: array<Sum, SIZE>;
var<workgroup> values: array<f32, SIZE>;

fn team_max(lane: u32, x: f32) -> f32 {
  var top = subgroupMax(x);
  workgroupBarrier();
  values[lane] = top;
  workgroupBarrier();
  let step = subgroupAdd(1u);
  for (var i = subgroupExclusiveAdd(1u); i < SIZE; i += step) { top = max(top, values[i]); }
  return subgroupMax(top);
}

fn team_sum(lane: u32, x: Sum) -> Sum {
  let part = subgroupAdd(x);
  workgroupBarrier();
  sums[lane] = select(Sum(), part, subgroupElect());
  workgroupBarrier();
  let step = subgroupAdd(1u);
  var sum = Sum();
  for (var i = subgroupExclusiveAdd(1u); i < SIZE; i += step) { sum += sums[i]; }
  return subgroupAdd(sum);
}

var<workgroup> vote: u32;

// x, which all invocations agree on, as a uniform value.
fn all_of_workgroup(lane: u32, x: bool) -> bool {
  if (lane == 0u) { vote = u32(x); }
  return workgroupUniformLoad(&vote) == 1u;
}
