// What the launches of sampling share. They draw one token per row of logits [rows, cols] from
// softmax(logits inverse_temperature), filtered by top-k, then top-p, then min-p, each on what the
// one before kept, as Hugging Face's logits warpers do:
//   top-k  keeps p_v >= the k-th largest p            (0 = off; 1 = greedy, lowest index on a tie)
//   top-p  keeps the fewest largest p whose sum reaches top_p of the mass so far    (1 = off)
//   min-p  keeps p_v >= min_p max(p)                                                (0 = off)
// Each filter is a threshold, so it keeps or drops all tokens of equal probability.
//
// tokens, logps [rows, max_steps], written at [row, step]; logps = log of the unfiltered
// probability; next_ids, done, streams [rows]. A row that is done gets pad_id and logp 0. A row with
// a logit that is NaN or +infinity, or with none above PAST (its model has diverged), is done after
// this step, with pad_id and the lowest float as logp.
//
// The uniform number is a hash of (seed, stream, step) alone: pcg3d of Jarzynski and Olano, "Hash
// Functions for GPU Rendering", JCGT 9(3), 2020. The cumulative sum takes the tokens in order.
//
// Logits are loaded in fours: `fours(row, i)` is logits 4 i to 4 i + 3 of a row, PAST beyond its end.
// TEAM invocations share a row, or a chunk of one; see team-of-many.wgsl for TEAM and SIZE.
struct Params {
  rows: u32, cols: u32, max_steps: u32, step: u32,
  top_k: u32, top_p: f32, min_p: f32, seed: u32,
  eos0: u32, eos1: u32, eos2: u32, eos3: u32, pad_id: u32,
  inverse_temperature: f32,
  first_x: u32,
}
@group(0) @binding(0) var<storage, read> logits: array<Stored>;
@group(1) @binding(0) var<uniform> p: Params;

const PAST = -1e30;
const LOWEST = -3.4e38;
const HIGHEST = 3.4e38;

fn total(x: vec4f) -> f32 { return dot(x, vec4f(1.0)); }

// The fours that one invocation reads: start, start + TEAM, ... below end.
struct Share { lane: u32, row: u32, start: u32, end: u32 }

// The largest logit of a team's share; HIGHEST if one of them is NaN or +infinity. That is tested by
// the bits, because WGSL may assume that no value is infinite or NaN.
fn largest(mine: Share) -> f32 {
  var top = vec4f(LOWEST);
  for (var i = mine.start; i < mine.end; i += TEAM) {
    let x = fours(mine.row, i);
    let bits = bitcast<vec4u>(x);
    let nan = (bits & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
    top = max(top, select(x, vec4f(HIGHEST), nan | (bits == vec4u(0x7f800000u))));
  }
  return team_max(mine.lane, max(max(top.x, top.y), max(top.z, top.w)));
}

fn diverged(top: f32) -> bool { return top >= HIGHEST || top <= PAST; }

// Probabilities, times that of the largest logit.
fn weights(x: vec4f, top: f32) -> vec4f { return exp((x - top) * p.inverse_temperature); }

// Integers in the order of the logits; those of -0 and 0 are equal.
fn ranks(x: vec4f) -> vec4u {
  let bits = select(bitcast<vec4u>(x), vec4u(), x == vec4f());
  return select(bits | vec4u(0x80000000u), ~bits, bits > vec4u(0x7fffffffu));
}

// Edges part the scaled logits into levels, the same ones in all chunks: the multiples of STEP. This
// is the last one that is not above a logit.
const STEP = 1.5;
fn edge_of(x: f32) -> f32 { return STEP * floor(x * p.inverse_temperature / STEP); }

fn greedy() -> bool { return p.top_k == 1u; }
fn has_top_k() -> bool { return p.top_k > 0u && p.top_k < p.cols; }
fn has_threshold() -> bool { return !greedy() && (has_top_k() || p.top_p < 1.0); }
fn has_filter() -> bool { return has_threshold() || (!greedy() && p.min_p > 0.0); }

// The weights of the logits that the filters keep, 0 for the others. The last factor of min-p leaves
// room for the rounding of exp.
fn kept_weights(x: vec4f, top: f32, least: u32) -> vec4f {
  let q = weights(x, top);
  let kept = (ranks(x) >= vec4u(least)) & (q >= vec4f(min(p.min_p, 1.0) * 0.999999));
  return select(vec4f(), q, kept);
}

// The sum of all weights of a team's share.
fn all_mass(mine: Share, top: f32) -> f32 {
  var mass = vec4f();
  for (var i = mine.start; i < mine.end; i += TEAM) { mass += weights(fours(mine.row, i), top); }
  return team_sum(mine.lane, vec4f(total(mass), 0.0, 0.0, 0.0)).x;
}
