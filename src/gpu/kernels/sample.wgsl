// One token per row from probs[row,:], filtered by top-k, then top-p, then min-p, each on what the
// one before kept, as Hugging Face's logits warpers do:
//   top-k  keeps p_v >= the k-th largest p            (0 = off; 1 = greedy, lowest index on a tie)
//   top-p  keeps the fewest largest p whose sum reaches top_p of the mass so far    (1 = off)
//   min-p  keeps p_v >= min_p max(p)                                                (0 = off)
// Each filter is a threshold, so it keeps or drops all tokens of equal probability. The threshold
// is found without sorting. The bits of non-negative floats have the same order as the floats, so a
// search from the highest bits down, two at a time, ends at the largest float that satisfies the
// filter.
//
// probs [rows, cols]; tokens, logps [rows, max_steps], written at [row, step]; logps = log of the
// unfiltered probability; next_ids, done, streams [rows].
// A row that is done gets pad_id and logp 0. A row with no positive finite probability (its model
// has diverged) is done after this step, with pad_id and the lowest float as logp.
//
// The uniform number is a hash of (seed, stream, step) alone: pcg3d of Jarzynski and Olano, "Hash
// Functions for GPU Rendering", JCGT 9(3), 2020. The cumulative sum takes the tokens in the order
// (v mod TEAM, v / TEAM). TEAM invocations share a row; see team-of-many.wgsl for TEAM and SIZE.
struct Params {
  rows: u32, cols: u32, max_steps: u32, step: u32,
  top_k: u32, top_p: f32, min_p: f32, seed: u32,
  eos0: u32, eos1: u32, eos2: u32, eos3: u32, pad_id: u32,
}
@group(0) @binding(0) var<storage, read> probs: array<f32>;
@group(0) @binding(1) var<storage, read> streams: array<u32>;
@group(0) @binding(2) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> logps: array<f32>;
@group(0) @binding(4) var<storage, read_write> next_ids: array<u32>;
@group(0) @binding(5) var<storage, read_write> done: array<u32>;
@group(1) @binding(0) var<uniform> p: Params;

const NONE = 0x1p24; // no token; indices are passed as floats, exact below this
const LOWEST = -3.4e38;
const SMALLEST = 1.17549435e-38; // the smallest normal float: a kept probability is positive

fn pcg3d(key: vec3u) -> vec3u {
  var v = key * 1664525u + 1013904223u;
  v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
  v ^= v >> vec3u(16u);
  v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
  return v;
}

// The elements of probs that one invocation reads: start, start + TEAM, ... below end.
struct Share { lane: u32, start: u32, end: u32 }

// The largest t for which the sum over p_v >= t of (by_count ? 1 : p_v) reaches `needed`.
fn threshold(mine: Share, by_count: bool, needed: f32) -> f32 {
  var bits = 0u;
  for (var i = 0u; i < 15u; i++) {
    let shift = 28u - 2u * i; // no probability has a higher bit than 29
    let t = bitcast<vec3f>(vec3u(bits) + (vec3u(1u, 2u, 3u) << vec3u(shift)));
    var sum = vec3f(0.0);
    for (var v = mine.start; v < mine.end; v += TEAM) {
      let q = probs[v];
      sum += select(vec3f(0.0), vec3f(select(q, 1.0, by_count)), vec3f(q) >= t);
    }
    let reached = team_sum(mine.lane, sum) >= vec3f(needed);
    bits += dot(select(vec3u(0u), vec3u(1u), reached), vec3u(1u)) << shift;
  }
  return bitcast<f32>(bits);
}

// The smallest probability that the filters keep, given the largest one.
fn least_kept(mine: Share, top: f32) -> f32 {
  var keep = 0.0;
  if (p.top_k == 1u) {
    keep = top;
  } else if (p.top_k > 0u && p.top_k < p.cols) {
    keep = threshold(mine, true, f32(p.top_k));
  }
  if (p.top_p < 1.0) {
    var mass = 0.0;
    for (var v = mine.start; v < mine.end; v += TEAM) {
      let q = probs[v];
      mass += select(0.0, q, q >= keep);
    }
    mass = team_sum(mine.lane, vec3f(mass)).x;
    keep = threshold(mine, false, p.top_p * mass);
  }
  return max(min(max(keep, p.min_p * top), top), SMALLEST);
}

// The first kept element of this share at which the sum passes `goal`. If rounding leaves the sum
// too small, the last kept element: never one of probability zero.
fn element_at(mine: Share, keep: f32, goal: f32) -> u32 {
  var sum = 0.0;
  var found = mine.start;
  for (var v = mine.start; v < mine.end && sum <= goal; v += TEAM) {
    let q = probs[v];
    if (q >= keep) {
      found = v;
      sum += q;
    }
  }
  return found;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (group.x + group.y * 65535u) * (SIZE / TEAM) + lane / TEAM;
  let exists = row < p.rows;
  let base = row * p.cols;
  var ended = true;
  var stream = 0u;
  if (exists) {
    ended = done[row] != 0u;
    stream = streams[row];
  }
  // A row that has ended has no columns, but its team must reach the barriers too.
  let mine = Share(lane, base + lane % TEAM, base + select(p.cols, 0u, ended));

  var top = 0.0;
  for (var v = mine.start; v < mine.end; v += TEAM) { top = max(top, probs[v]); }
  top = team_max(lane, top);
  let keep = least_kept(mine, top);

  var kept = 0.0;
  var first = NONE;
  for (var v = mine.start; v < mine.end; v += TEAM) {
    let q = probs[v];
    if (q >= keep) {
      kept += q;
      first = min(first, f32(v - base));
    }
  }
  let sums = team_prefix(lane, kept);
  var choice = NONE;
  if (p.top_k == 1u) {
    choice = first;
  } else {
    let goal = f32(pcg3d(vec3u(p.seed, stream, p.step)).x >> 8u) * 0x1p-24 * sums.y;
    if (goal >= sums.x && goal < sums.x + kept) {
      choice = f32(element_at(mine, keep, goal - sums.x) - base);
    }
  }
  choice = -team_max(lane, -choice);

  if (lane % TEAM == 0u && exists) {
    var token = p.pad_id;
    var logp = select(LOWEST, 0.0, ended);
    if (choice < NONE) {
      token = u32(choice);
      logp = log(probs[base + token]);
    }
    let eos = vec4u(p.eos0, p.eos1, p.eos2, p.eos3);
    tokens[row * p.max_steps + p.step] = token;
    logps[row * p.max_steps + p.step] = logp;
    next_ids[row] = token;
    done[row] = u32(choice >= NONE || any(eos == vec4u(token)));
  }
}
