// Ends the first part of each row's text, if the row has not done so by itself: after `limit` tokens,
// or in place of a stop token, the tokens `ending` are written instead of the drawn ones.
//
// The row's state says how far its text has come: 0 to 7 = that many characters of the ending's text
// are written, ENDED = all of them, FORCING + k = ending[k] comes next. Token v leads from state s < 8
// to digit s of next[v], in base 16; STOP there means that v ends the text.
// After `limit` tokens a drawn token stays only if it continues the ending's text.
struct Params { rows: u32, max_steps: u32, step: u32, limit: u32, ending: u32 }

@group(0) @binding(0) var<storage, read> next: array<u32>;
@group(0) @binding(1) var<storage, read> ending: array<u32>;
@group(0) @binding(2) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> next_ids: array<u32>;
@group(0) @binding(4) var<storage, read_write> done: array<u32>;
@group(0) @binding(5) var<storage, read_write> states: array<u32>;
@group(1) @binding(0) var<uniform> p: Params;

const ENDED = 8u;
const STOP = 15u;
const FORCING = 16u;
const FORCED = 0x80000000u; // marks a token that was not drawn

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= p.rows) { return; }
  let state = states[row];
  if (state == ENDED) { return; }
  let at = row * p.max_steps + p.step;
  var k = 0u;
  if (state < ENDED) {
    let after = (next[tokens[at]] >> (4u * state)) & 15u;
    if (after != STOP && (p.step < p.limit || after > state)) {
      states[row] = after;
      return;
    }
  } else {
    k = state - FORCING;
  }
  tokens[at] = ending[k] | FORCED;
  next_ids[row] = ending[k];
  done[row] = 0u;
  states[row] = select(FORCING + k + 1u, ENDED, k + 1u == p.ending);
}
