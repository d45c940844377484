// The draw itself, and its results.
@group(0) @binding(1) var<storage, read> streams: array<u32>;
@group(0) @binding(2) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> logps: array<f32>;
@group(0) @binding(4) var<storage, read_write> next_ids: array<u32>;
@group(0) @binding(5) var<storage, read_write> done: array<u32>;

const NONE = 0xffffffffu; // no token

fn pcg3d(key: vec3u) -> vec3u {
  var v = key * 1664525u + 1013904223u;
  v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
  v ^= v >> vec3u(16u);
  v.x += v.y * v.z; v.y += v.z * v.x; v.z += v.x * v.y;
  return v;
}

// 0 for greedy decoding: the first token that is kept.
fn uniform_number(row: u32) -> f32 {
  if (greedy() || row >= p.rows) { return 0.0; }
  return f32(pcg3d(vec3u(p.seed, streams[row], p.step)).x >> 8u) * 0x1p-24;
}

// `token` is NONE except in the invocation that has found the token; `mass` is the sum of the weights.
struct Draw { token: u32, mass: f32 }

// The kept token among the fours [first, end) of a row at which the sum of weights passes the part
// u < 1 of their total. Each member of the team sums neighbouring fours. If rounding leaves its sum
// too small, the last kept one is taken: never one of weight 0.
fn token_at(lane: u32, row: u32, first: u32, end: u32, top: f32, least: u32, u: f32) -> Draw {
  let each = (end - first + TEAM - 1u) / TEAM;
  let start = min(end, first + lane % TEAM * each);
  let stop = min(end, start + each);
  var mass = 0.0;
  for (var i = start; i < stop; i++) { mass += total(kept_weights(fours(row, i), top, least)); }
  let sums = team_prefix(lane, mass);
  let goal = u * sums.z;
  var token = NONE;
  if (goal >= sums.x && goal < sums.y) {
    var sum = sums.x;
    for (var i = start; i < stop && sum <= goal; i++) {
      let q = kept_weights(fours(row, i), top, least);
      for (var j = 0u; j < 4u && sum <= goal; j++) {
        if (q[j] > 0.0) {
          token = 4u * i + j;
          sum += q[j];
        }
      }
    }
  }
  return Draw(token, sums.z);
}

// `mass`: the sum of all weights of the row. The invocation that has the token writes the results, or
// the first one where there is none.
fn finish(lane: u32, row: u32, ended: bool, draw: Draw, top: f32, mass: f32) {
  let none = draw.mass <= 0.0 && lane % TEAM == 0u;
  if (row >= p.rows || (draw.token == NONE && !none)) { return; }
  var token = p.pad_id;
  var logp = select(LOWEST, 0.0, ended);
  if (!none) {
    token = draw.token;
    logp = (fours(row, token / 4u)[token % 4u] - top) * p.inverse_temperature - log(mass);
  }
  let eos = vec4u(p.eos0, p.eos1, p.eos2, p.eos3);
  tokens[row * p.max_steps + p.step] = token;
  logps[row * p.max_steps + p.step] = logp;
  next_ids[row] = token;
  done[row] = u32(none || any(eos == vec4u(token)));
}
