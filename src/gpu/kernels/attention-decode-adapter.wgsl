// Prelude of attention-decode.wgsl for an adapter on some of q, k and v. h [rows, H_COLUMNS] and
// b [rows of the adapted parts, RANK]; RANK and H_COLUMNS count the elements of these arrays. PART_Q,
// PART_K and PART_V are each: 1 if it has an adapter, its first column of h, and what is added to an
// output's place in a row of qkv to give its row of b.

// Four neighbouring outputs, from place 4 at on, of (h B^T)[row].
fn adapted(row: u32, at: u32, slot: u32) -> vec4f {
  let part = select(select(PART_Q, PART_K, slot == HEADS), PART_V, slot > HEADS);
  if (part.x == 0u) { return vec4f(); }
  let h_at = row * H_COLUMNS + part.y;
  let b_at = (4u * at + part.z) * RANK;
  var sum = vec4f();
  for (var r = 0u; r < RANK; r++) {
    let x = h[h_at + r];
    sum += vec4f(
      inner(x, b[b_at + r]),
      inner(x, b[b_at + RANK + r]),
      inner(x, b[b_at + 2u * RANK + r]),
      inner(x, b[b_at + 3u * RANK + r]),
    );
  }
  return sum;
}
