/**
 * How time and memory grow with batch, length, depth, width and vocabulary; writes
 * results/scaling/growth.json, growth.svg and growth.txt. Counts need no device and take seconds.
 *   node scripts/measure.mjs growth                 counts, and the timings that are there already
 *   node scripts/measure.mjs growth --time AXIS...  times these axes on the device first (all: 3 to 5
 *                                                   minutes on two cores); points that are there stay
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openNodeGpu } from '../../../src/gpu/node.ts';
import { count } from './count.ts';
import { svg } from './plot.ts';
import { AXES, COUNTED, COUNTED_BASE, TIMED, TIMED_BASE, type Axis } from './points.ts';
import { charts, table, type Growth } from './report.ts';
import { timePoint } from './time.ts';

const FILE = 'results/scaling/growth';
const REPETITIONS = 3;

const { values, positionals } = parseArgs({
  options: { time: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const axes = positionals.length > 0 ? positionals.map(axisOf) : AXES;
const none = (): Record<Axis, never[]> =>
  Object.fromEntries(AXES.map((axis) => [axis, []])) as never;
const before = existsSync(`${FILE}.json`)
  ? (JSON.parse(readFileSync(`${FILE}.json`, 'utf8')) as Growth)
  : { counted: none(), timed: none() };
const growth: Growth = { ...before, counted: countAll() };
save();
if (values.time) await timeAll();
writeFileSync(`${FILE}.svg`, svg(charts(growth)));
writeFileSync(`${FILE}.txt`, table(growth));
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
  const { vendor, architecture, device, description } = gpu.info;
  const adapter = [vendor, architecture, device, description].filter(Boolean).join(' ');
  const name = `${adapter}, kernels ${JSON.stringify(gpu.variants)}`;
  if (growth.adapter !== name) Object.assign(growth, { adapter: name, timed: none() });
  for (const axis of axes) {
    for (const x of TIMED[axis]) {
      if (growth.timed[axis].some((point) => point.x === x)) continue;
      const timed = await timePoint(gpu, { ...TIMED_BASE, [axis]: x }, REPETITIONS);
      growth.timed[axis].push({ x, timed });
      growth.timed[axis].sort((a, b) => a.x - b.x);
      console.log(
        `${axis} ${x}: update ${timed.update.join(' ')} s, token ${timed.decode.join(' ')} s`,
      );
      save();
    }
  }
  gpu.close();
}

function save(): void {
  writeFileSync(`${FILE}.json`, `${JSON.stringify(growth, null, 1)}\n`);
}
