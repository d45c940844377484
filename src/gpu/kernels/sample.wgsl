// One token per row from probs[row,:], filtered by top-k, then top-p, then min-p, each on what the
// one before kept, as Hugging Face's logits warpers do:
//   top-k  keeps p_v >= the k-th largest p            (0 = off; 1 = greedy, lowest index on a tie)
//   top-p  keeps the fewest largest p whose sum reaches top_p of the mass so far    (1 = off)
//   min-p  keeps p_v >= min_p max(p)                                                (0 = off)
// Each filter is a threshold, so equal probabilities stay or go together. The threshold is found
// without sorting: the bits of non-negative floats order as the floats do, so a descent through the
// bits, two at a time, ends at the largest float that still satisfies the filter.
//
// probs [rows, cols]; tokens, logps [rows, max_steps], written at [row, step]; logps = log of the
// unfiltered probability; next_ids, done, streams [rows].
// A row that is done gets pad_id and 0. A row with no positive finite probability (a model that has
// diverged) ends with pad_id and the lowest float.
//
// The uniform number is a hash of (seed, stream, step) alone: pcg3d of Jarzynski and Olano, "Hash
// Functions for GPU Rendering", JCGT 9(3), 2020. Tokens are laid out on the cumulative sum in the
// order (v mod TEAM, v / TEAM).
override TEAM: u32 = 64u;
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

const NONE = 0xffffffffu;
const LOWEST = -3.4e38;
const SMALLEST = 1.17549435e-38; // the smallest normal float: a kept probability is positive

var<workgroup> scratch: array<vec3f, TEAM>;
var<workgroup> finished: u32;
var<workgroup> pick: atomic<u32>;

fn pcg3d(key: vec3u) -> vec3u {
  var v = key * 1664525u + 1013904223u;
  v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
  v ^= v >> vec3u(16u);
  v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
  return v;
}

fn team_sum(lane: u32, value: vec3f) -> vec3f {
  workgroupBarrier();
  scratch[lane] = value;
  for (var half = TEAM / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { scratch[lane] += scratch[lane + half]; }
  }
  workgroupBarrier();
  return scratch[0];
}

fn team_max(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  scratch[lane].x = value;
  for (var half = TEAM / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { scratch[lane].x = max(scratch[lane].x, scratch[lane + half].x); }
  }
  workgroupBarrier();
  return scratch[0].x;
}

// The largest t for which the sum over p_v >= t of (by_count ? 1 : p_v) reaches `needed`.
fn threshold(lane: u32, base: u32, by_count: bool, needed: f32) -> f32 {
  var bits = 0u;
  for (var shift = 30u; shift > 0u; ) {
    shift -= 2u;
    let t = bitcast<vec3f>(vec3u(bits) + (vec3u(1u, 2u, 3u) << vec3u(shift)));
    var sum = vec3f(0.0);
    for (var v = lane; v < p.cols; v += TEAM) {
      let q = probs[base + v];
      sum += select(vec3f(0.0), vec3f(select(q, 1.0, by_count)), vec3f(q) >= t);
    }
    let reached = team_sum(lane, sum) >= vec3f(needed);
    bits += dot(select(vec3u(0u), vec3u(1u), reached), vec3u(1u)) << shift;
  }
  return bitcast<f32>(bits);
}

// Which lane's tokens the random point on the cumulative sum falls to, and how far into them. Never
// a lane that keeps nothing, however the sums round.
fn share(lane: u32, row: u32, kept: f32) -> vec2f {
  workgroupBarrier();
  scratch[lane].x = kept;
  workgroupBarrier();
  if (lane == 0u) {
    var mass = 0.0;
    for (var i = 0u; i < TEAM; i++) { mass += scratch[i].x; }
    let uniform_number = f32(pcg3d(vec3u(p.seed, streams[row], p.step)).x >> 8u) * 0x1p-24;
    let goal = uniform_number * mass;
    var sum = 0.0;
    var found = vec2f(0.0);
    for (var i = 0u; i < TEAM && sum <= goal; i++) {
      let part = scratch[i].x;
      if (part > 0.0) { found = vec2f(f32(i), goal - sum); }
      sum += part;
    }
    scratch[0] = vec3f(found, 0.0);
  }
  workgroupBarrier();
  return scratch[0].xy;
}

// The first kept token of this lane at which the sum passes `goal`, or else its last kept one.
fn token_at(lane: u32, base: u32, keep: f32, goal: f32) -> u32 {
  var sum = 0.0;
  var token = NONE;
  for (var v = lane; v < p.cols && sum <= goal; v += TEAM) {
    let q = probs[base + v];
    if (q >= keep) {
      token = v;
      sum += q;
    }
  }
  return token;
}

@compute @workgroup_size(TEAM)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * 65535u;
  if (row >= p.rows) { return; }
  let at = row * p.max_steps + p.step;
  if (lane == 0u) {
    finished = done[row];
    atomicStore(&pick, NONE);
  }
  if (workgroupUniformLoad(&finished) != 0u) {
    if (lane == 0u) {
      tokens[at] = p.pad_id;
      logps[at] = 0.0;
      next_ids[row] = p.pad_id;
    }
    return;
  }

  let base = row * p.cols;
  var top = 0.0;
  for (var v = lane; v < p.cols; v += TEAM) { top = max(top, probs[base + v]); }
  top = team_max(lane, top);

  var keep = 0.0; // tokens of at least this probability are kept
  if (p.top_k == 1u) {
    keep = top;
  } else if (p.top_k > 0u && p.top_k < p.cols) {
    keep = threshold(lane, base, true, f32(p.top_k));
  }
  if (p.top_p < 1.0) {
    var mass = 0.0;
    for (var v = lane; v < p.cols; v += TEAM) {
      let q = probs[base + v];
      mass += select(0.0, q, q >= keep);
    }
    mass = team_sum(lane, vec3f(mass)).x;
    keep = threshold(lane, base, false, p.top_p * mass);
  }
  keep = max(min(max(keep, p.min_p * top), top), SMALLEST);

  var kept = 0.0;
  var first = NONE;
  for (var v = lane; v < p.cols; v += TEAM) {
    let q = probs[base + v];
    if (q >= keep) {
      kept += q;
      first = min(first, v);
    }
  }
  if (p.top_k == 1u) {
    atomicMin(&pick, first);
  } else {
    let walk = share(lane, row, kept);
    if (lane == u32(walk.x)) { atomicStore(&pick, token_at(lane, base, keep, walk.y)); }
  }
  workgroupBarrier();

  if (lane == 0u) {
    let chosen = atomicLoad(&pick);
    let none = chosen == NONE;
    let token = select(chosen, p.pad_id, none);
    tokens[at] = token;
    logps[at] = select(log(probs[base + min(chosen, p.cols - 1u)]), LOWEST, none);
    next_ids[row] = token;
    let eos = vec4u(p.eos0, p.eos1, p.eos2, p.eos3);
    done[row] = u32(none || any(eos == vec4u(token)));
  }
}
