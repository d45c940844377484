/**
 * How time and memory grow with batch, length, depth, width and vocabulary; writes
 * results/scaling/growth.json, growth.svg and growth.txt. Counts need no device and take seconds.
 *   node scripts/measure.mjs growth                 counts, and the timings that are there already
 *   node scripts/measure.mjs growth --time AXIS...  times these axes on the device first (all: 3 to 5
 *                                                   minutes on two cores); points that are there from
 *                                                   this device and commit stay
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { openNodeGpu } from '../../../src/gpu/node.ts';
import { adapterOf, made } from '../made.ts';
import { writeTexts } from '../texts/texts.ts';
import { count } from './count.ts';
import { AXES, COUNTED, COUNTED_BASE, TIMED, TIMED_BASE, type Axis } from './points.ts';
import { table, type Growth, type Timings } from './report.ts';
import { timePoint } from './time.ts';

const FILE = 'results/scaling/growth.json';
const REPETITIONS = 3;

const { values, positionals } = parseArgs({
  options: { time: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const axes = positionals.length > 0 ? positionals.map(axisOf) : AXES;
const madeBy = made();
const before = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Growth) : undefined;
const growth: Growth = { made: madeBy, counted: countAll() };
if (before?.timings) growth.timings = before.timings;
save();
if (values.time) await timeAll();
await writeTexts();
console.log(table(growth));

function axisOf(name: string): Axis {
  const axis = AXES.find((one) => one === name);
  if (!axis) throw new Error(`${name} is no axis; choose from ${AXES.join(', ')}`);
  return axis;
}

function countAll(): Growth['counted'] {
  const entries = AXES.map((axis) => [
    axis,
    COUNTED[axis].map((x) => ({ x, counted: count({ ...COUNTED_BASE, [axis]: x }) })),
  ]);
  return Object.fromEntries(entries) as Growth['counted'];
}

async function timeAll(): Promise<void> {
  const gpu = await openNodeGpu();
  const fresh: Timings = {
    made: madeBy,
    adapter: adapterOf(gpu),
    kernels: gpu.variants,
    points: Object.fromEntries(AXES.map((axis) => [axis, []])) as never,
  };
  const same = growth.timings && isDeepStrictEqual(keyOf(growth.timings), keyOf(fresh));
  const { points } = (growth.timings = same ? growth.timings! : fresh);
  for (const axis of axes) {
    for (const x of TIMED[axis]) {
      if (points[axis].some((point) => point.x === x)) continue;
      const timed = await timePoint(gpu, { ...TIMED_BASE, [axis]: x }, REPETITIONS);
      points[axis].push({ x, timed });
      points[axis].sort((a, b) => a.x - b.x);
      console.log(
        `${axis} ${x}: update ${timed.update.join(' ')} s, token ${timed.decode.join(' ')} s`,
      );
      save();
    }
  }
  gpu.close();
}

/** Points with the same key stand beside each other. */
function keyOf({ made, adapter, kernels }: Timings): unknown {
  return [made.commit, adapter, kernels];
}

function save(): void {
  writeFileSync(FILE, `${JSON.stringify(growth, null, 1)}\n`);
}
