// The threshold of top-k and top-p, found without sorting: a search for its rank, which leaves a
// quarter of the ranks each time. The launch says which logits are searched: `item(mine, i)` is four of them.

// The largest t for which the sum over ranks >= t of (by_count ? 1 : weight) reaches `needed`, or a
// smaller one that keeps the same logits. It is known not to be below `lowest`.
fn threshold(mine: Share, top: f32, by_count: bool, needed: f32, lowest: u32) -> u32 {
  var least = lowest;
  let range = ranks(vec4f(top)).x - lowest;
  var shift = 30u;
  while (all_of_workgroup(mine.lane, shift > 0u && range >> shift == 0u)) { shift -= 2u; }
  for (; shift < 32u; shift -= 2u) {
    let steps = vec3u(1u, 2u, 3u) << vec3u(shift);
    // No rank is as large as the largest integer.
    let bound = vec3u(least) + min(steps, vec3u(0xffffffffu - least));
    var first = vec4f();
    var second = vec4f();
    var third = vec4f();
    var near = vec4f(); // how many may still be the threshold
    for (var i = mine.start; i < mine.end; i += TEAM) {
      let x = item(mine, i);
      let rank = ranks(x);
      var q = vec4f(1.0);
      if (!by_count) { q = weights(x, top); }
      first += select(vec4f(), q, rank >= bound.xxxx);
      second += select(vec4f(), q, rank >= bound.yyyy);
      third += select(vec4f(), q, rank >= bound.zzzz);
      near += select(vec4f(), vec4f(1.0), ((rank - vec4u(least)) >> vec4u(shift)) < vec4u(4u));
    }
    let sums = team_sum(mine.lane, vec4f(total(first), total(second), total(third), total(near)));
    let reached = sums.xyz >= vec3f(needed);
    let found = sums.w <= 1.0;
    if (!found) { least += dot(select(vec3u(0u), vec3u(1u), reached), vec3u(1u)) << shift; }
    if (all_of_workgroup(mine.lane, found)) { break; }
  }
  return least;
}

// The smallest rank that top-k and top-p keep, given the largest logit, the sum of all weights, and a
// rank that it is not below.
fn least_kept(mine: Share, top: f32, all: f32, lowest: u32) -> u32 {
  var least = lowest;
  var mass = all;
  if (has_top_k()) {
    least = threshold(mine, top, true, f32(p.top_k), lowest);
    var kept = vec4f();
    for (var i = mine.start; i < mine.end; i += TEAM) {
      let x = item(mine, i);
      kept += select(vec4f(), weights(x, top), ranks(x) >= vec4u(least));
    }
    mass = team_sum(mine.lane, vec4f(total(kept), 0.0, 0.0, 0.0)).x;
  }
  if (p.top_p < 1.0) { least = threshold(mine, top, false, p.top_p * mass, least); }
  return min(least, ranks(vec4f(top)).x);
}
