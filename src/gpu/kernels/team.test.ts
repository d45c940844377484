/** Teams reduce in workgroup memory, and by subgroups of every size that a graphics card may have. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { op, type Kernel } from '../kernel.ts';
import { MARK, Sandbox, expectClose, seeded } from './sandbox.ts';
import { teamed } from './team.ts';

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.open();
});
afterEach(() => box.clear());
afterAll(() => box.close());

/** What the team of each invocation finds: the largest number, the sum, and the three sums of its place. */
const kernel = {
  name: 'team-test',
  code: `
struct Params { least: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> found: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;
@compute @workgroup_size(SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  let top = team_max(lane, x[lane]);
  let sum = team_sum(lane, x[lane]);
  let sums = team_prefix(lane, x[lane]);
  if (all_of_workgroup(lane, top > p.least)) {
    let all = array(top, sum, sums.x, sums.y, sums.z);
    for (var i = 0u; i < 5u; i++) { found[5u * lane + i] = all[i]; }
  }
}`,
  bindings: ['read', 'write'],
  params: { least: 'f32' },
} as const satisfies Kernel;

/** `members` numbers, in teams of `team`: what `made` finds, and what it should. */
async function expectFound(
  made: Kernel,
  constants: Record<string, number>,
  { team, members }: { team: number; members: number },
) {
  const x = seeded(members, 7);
  const [found, none] = [box.marked(5 * members), box.marked(5 * members)];
  const launch = (least: number, to: typeof found) =>
    op(made, { bindings: [box.put(x), to], params: { least }, constants, grid: () => [1] });
  const want = Array.from(x, (_, i) => {
    const first = i - (i % team);
    const all = x.subarray(first, first + team);
    const [before, upTo] = [i, i + 1].map((end) => sum(x.subarray(first, end)));
    return [Math.max(...all), sum(all), before!, upTo!, sum(all)];
  });
  // So many numbers have a positive one in every team; one team has none above the least of all tops.
  const least = Math.min(...want.map(([top]) => top!));
  await box.run(launch(0, found), launch(least, none));
  expect(await box.floats(none, 5 * members)).toEqual(new Float32Array(5 * members).fill(MARK));
  const got = await box.floats(found, 5 * members);
  expectClose(got, want.flat(), 1e-5, 1e-6);
  for (let i = 1; i < members; i++) {
    if (i % team > 0) expect(got[5 * i + 2]).toBe(got[5 * (i - 1) + 3]);
  }
}

const sum = (x: Float32Array): number => x.reduce((total, value) => total + value, 0);

const TEAMS = { 16: { loads: 64 }, 64: { loads: 1024 }, 256: { loads: 4096 } };
const teamOf = (size: keyof typeof TEAMS, rows: 'memory' | 'subgroups') =>
  teamed(kernel, rows, { ...TEAMS[size], longestAlone: 0, sum: 'f32' });

it.each([16, 64, 256] as const)('teams of %i in workgroup memory', async (size) => {
  const { kernel: made, constants } = teamOf(size, 'memory');
  await expectFound(made, constants, { team: size, members: Math.max(64, size) });
});

/**
 * The subgroup operations that the prelude uses, for subgroups of LANES invocations: neighbours, or APART,
 * since WGSL leaves open which invocations form a subgroup. A subgroup may lack members, and any of
 * its invocations may be the elected one.
 */
const SUBGROUPS = `
override LANES: u32;
override APART: bool;
override COUNT = (SIZE + LANES - 1u) / LANES;
var<workgroup> exchanged: array<f32, SIZE>;
fn subgroup_of(lane: u32) -> u32 { return select(lane / LANES, lane % COUNT, APART); }
fn together(lane: u32, other: u32) -> bool { return subgroup_of(lane) == subgroup_of(other); }
fn rank_of(lane: u32) -> u32 {
  var rank = 0u;
  for (var i = 0u; i < lane; i++) { rank += u32(together(lane, i)); }
  return rank;
}
fn count_of(lane: u32) -> u32 {
  var count = 0u;
  for (var i = 0u; i < SIZE; i++) { count += u32(together(lane, i)); }
  return count;
}
fn elected(lane: u32) -> bool { return rank_of(lane) == count_of(lane) / 2u; }
fn exchange(lane: u32, x: f32) {
  workgroupBarrier();
  exchanged[lane] = x;
  workgroupBarrier();
}
fn add_of(lane: u32, x: f32) -> f32 {
  exchange(lane, x);
  var sum = 0.0;
  for (var i = 0u; i < SIZE; i++) { sum += select(0.0, exchanged[i], together(lane, i)); }
  return sum;
}
fn max_of(lane: u32, x: f32) -> f32 {
  exchange(lane, x);
  var top = x;
  for (var i = 0u; i < SIZE; i++) { top = max(top, select(x, exchanged[i], together(lane, i))); }
  return top;
}
`;

function withSubgroups({ code, ...rest }: Kernel): Kernel {
  const replaced = code
    .replace('enable subgroups;', '')
    .replaceAll('subgroupAdd(1u)', 'count_of(lane)')
    .replaceAll('subgroupExclusiveAdd(1u)', 'rank_of(lane)')
    .replaceAll('subgroupElect()', 'elected(lane)')
    .replaceAll('subgroupAdd(', 'add_of(lane, ')
    .replaceAll('subgroupMax(', 'max_of(lane, ');
  expect(replaced).not.toMatch(/\bsubgroup[A-Z]/);
  return { ...rest, name: `${rest.name} of any size`, code: replaced + SUBGROUPS };
}

describe.each([64, 256] as const)('teams of %i by subgroups', (size) => {
  const { kernel: made, constants } = teamOf(size, 'subgroups');

  // 24: the last subgroup is not full, as where a workgroup is smaller than a subgroup of 128.
  it.each([4, 8, 16, 24, 32, 64, 128])('of %i', async (LANES) => {
    for (const APART of [0, 1]) {
      const all = { ...constants, LANES, APART };
      await expectFound(withSubgroups(made), all, { team: size, members: size });
    }
  });

  it('of the adapter', async ({ skip }) => {
    if (!box.gpu.device.features.has('subgroups')) skip('the adapter has no subgroups');
    await expectFound(made, constants, { team: size, members: size });
  });
});
