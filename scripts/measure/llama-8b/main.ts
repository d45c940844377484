/**
 * One GRPO step of a model of Llama 3.1 8B's shape with random weights, an adapter over int4, from loading
 * to the moved weights, with its plan and the device's ledger side by side; writes
 * results/scaling/llama-8b.json. With all 32 layers it takes about 8 GB of memory (times: in the file).
 *   node scripts/measure.mjs llama-8b [--layers 32] [--group 2] [--completion 8]
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { openReward } from '../../../src/app/opening/rewards.ts';
import { openTrainer } from '../../../src/app/opening/trainer.ts';
import { openNodeGpu } from '../../../src/gpu/node.ts';
import { adapterOf, made } from '../made.ts';
import { writeTexts } from '../texts/texts.ts';
import { randomFolder } from './random-folder.ts';
import type { Result } from './result.ts';
import { llama8b, planStep, recipeOf, TEXTS } from './step.ts';

const FILE = 'results/scaling/llama-8b.json';

const { values } = parseArgs({
  options: {
    layers: { type: 'string', default: '32' },
    group: { type: 'string', default: '2' },
    completion: { type: 'string', default: '8' },
  },
});
const layers = Number(values.layers);
const config = llama8b(layers);
const [group, completion] = [Number(values.group), Number(values.completion)];
const recipe = recipeOf({ prompt: 8, completion, group });
const madeBy = made();
const gpu = await openNodeGpu();
const plan = planStep(config, recipe, gpu.maxBinding, gpu.variants);
const started = performance.now();
const elapsed = (): number => (performance.now() - started) / 1000;
const say = (what: string): void => {
  console.log(`${elapsed().toFixed(0).padStart(5)} s  ${what}  (${gigabytes(rss())} in memory)`);
};
const rss = (): number => process.memoryUsage.rss();
const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
say(`planned ${gigabytes(plan.total)}, the largest buffer ${gigabytes(plan.largest)}`);

let reported = 0;
let loadingPeak = 0;
const { trainer } = await openTrainer(recipe, {
  gpu,
  folder: (name) => Promise.resolve(randomFolder(name, config)),
  readFile: (name) => Promise.resolve(TEXTS[name]!),
  openReward: (name, kind, question) =>
    openReward(name, kind, question, () => openNodeGpu(), {
      folder: (path) => Promise.reject(new Error(`there is no reward model ${path}`)),
      readFile: (path) => Promise.resolve(TEXTS[path]!),
    }),
  onLoading: (_, share) => {
    loadingPeak = Math.max(loadingPeak, rss());
    if (share < reported) return;
    reported = share + 0.1;
    say(`loaded ${(100 * share).toFixed(0)}%`);
  },
});
await gpu.idle();
const seconds: Record<string, number> = { opening: elapsed() };
const opening = processorSeconds();
say('opened');

let phase = 'sampling';
let begun = elapsed();
trainer.onDetail = (detail) => {
  say(detail);
  const next = detail.startsWith('writing') ? 'sampling' : 'scoring and update';
  if (next === phase) return;
  seconds[phase] = elapsed() - begun;
  [phase, begun] = [next, elapsed()];
};
const before = gpu.counters.flops;
const { metrics } = await trainer.trainStep();
await gpu.idle();
seconds[phase] = elapsed() - begun;
const step = processorSeconds() - opening;
say('stepped');

const result: Result = {
  made: madeBy,
  adapter: adapterOf(gpu),
  kernels: gpu.variants,
  layers,
  parameters: parametersOf(),
  group,
  completion,
  maxBinding: gpu.maxBinding,
  plan: plan.ledger,
  device: { ...gpu.ledger },
  largest: plan.largest,
  peak: { loading: loadingPeak, step: 1024 * process.resourceUsage().maxRSS },
  seconds,
  processorSeconds: { opening, step },
  flops: gpu.counters.flops - before,
  metrics,
};
const known = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Result[]) : [];
const others = known.filter((one) => one.layers !== layers);
const all = [...others, result].sort((a, b) => a.layers - b.layers);
writeFileSync(FILE, `${JSON.stringify(all, null, 1)}\n`);
await writeTexts();
console.log(JSON.stringify(result, null, 1));
if (!Number.isFinite(metrics['loss']) || !(metrics['grad_norm']! > 0)) {
  throw new Error('the step did not move the weights');
}
if (!isDeepStrictEqual(result.plan, result.device)) {
  throw new Error('the device holds other bytes than were planned; compare plan and device above');
}
gpu.close();

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function parametersOf(): number {
  const { hiddenSize: d, intermediateSize: f, vocabSize, heads, kvHeads, headDim } = config;
  const layer = d * (2 * heads + 2 * kvHeads) * headDim + 3 * d * f + 2 * d;
  return layers * layer + 2 * vocabSize * d + d;
}
