// Prelude of the attention kernels for adapters on the CPU. There a load costs as much as hundreds of
// other instructions, and a swap between the four lanes of a vector register as much as one.
// The four invocations of a quad have SHARERS * ROWS neighbouring rows and read the same data: each
// loads one vec4 of four, and gets the others from its neighbours.
const SHARERS = 4u;

fn of_first(x: vec4u) -> vec4u { return quadBroadcast(x, 0u); }
fn of_last(x: vec4u) -> vec4u { return quadBroadcast(x, 3u); }

fn most_of(x: u32) -> u32 {
  let pair = max(x, quadSwapX(x));
  return max(pair, quadSwapY(pair));
}

fn in_all(x: bool) -> bool { return most_of(select(1u, 0u, x)) == 0u; }
