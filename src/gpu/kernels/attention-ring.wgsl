// Prelude of the decoding kernels for layers with a window, whose cache holds no more than they see.
// Spans are those of a whole cache, in which a sequence has `own_rows` rows, and the first sequence
// begins at row `first_own`. Here it has `ring` = min(own_rows, window) rows, and its token t lies in
// row t % ring of them. The rows of the prompts are as in a whole cache.

fn ring_start(span: vec4u) -> u32 {
  return p.first_own + (span.z - p.first_own) / p.own_rows * p.ring;
}

// The rows that a token sees, itself included: the rest of the prompt's [x, y), and its own [z, w).
fn ring_span(span: vec4u) -> vec4u {
  let own = span.w + p.step - span.z;
  let prefix = span.y - span.x;
  let unseen = max(prefix + own, p.window) - p.window;
  let start = ring_start(span);
  return vec4u(span.x + min(unseen, prefix), span.y, start, start + min(own, p.ring));
}

// The row of the token itself.
fn ring_row(span: vec4u) -> u32 {
  return ring_start(span) + (span.w + p.step - 1u - span.z) % p.ring;
}
