/** The run of `npm run soak` (scripts/soak.mjs), and its memory. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getHeapSpaceStatistics } from 'node:v8';
import { nodeSurroundings } from '../../src/cli/open.ts';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import { heldBytes } from '../../src/gpu/memory.ts';
import { parseRecipe } from '../../src/rl/recipe/recipe.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { Run } from '../../src/rl/runs/run.ts';

const EVERY = 100;
const [, , flag, count = '3000'] = process.argv;
if (flag !== undefined && flag !== '--steps') throw new Error(`unknown option ${flag}`);

const { recipe } = parseRecipe(
  readFileSync('recipes/default.yaml', 'utf8'),
  'recipes/default.yaml',
  {
    max_steps: count,
    save_steps: '50',
    save_total_limit: '2',
    eval_steps: '100',
    eval_num_prompts: '8',
    per_device_train_batch_size: '8',
    num_generations: '4',
    log_completions: 'false',
  },
);

const out = mkdtempSync(join(tmpdir(), 'ponder-soak-'));
const around = await nodeSurroundings();
const { trainer, tokenizerFiles, inputs } = await openTrainer(recipe, around);
const run = new Run(recipe, trainer, nodeRunFolder(out), tokenizerFiles, inputs);
await run.begin();

const lines = ['step,rss_mb,young_mb,heap_mb,array_buffers_mb,policy_device_mb,seconds_per_step'];
let since = performance.now();
while (!run.finished) {
  await run.advance();
  if (trainer.step % EVERY === 0 || trainer.step === 1) measure();
}
console.log(`on ${around.gpu.info.description}`);
around.close();
rmSync(out, { recursive: true });

/** Adds a row. Garbage does not count. */
function measure(): void {
  const steps = trainer.step === 1 ? 1 : trainer.step === EVERY ? EVERY - 1 : EVERY;
  const seconds = (performance.now() - since) / 1000 / steps;
  globalThis.gc!();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const device = heldBytes(around.gpu.ledger);
  const row = [rss, youngGeneration(), heapUsed, arrayBuffers, device].map((bytes) =>
    (bytes / 2 ** 20).toFixed(2),
  );
  lines.push([trainer.step, ...row, seconds.toFixed(3)].join());
  writeFileSync('results/reliability/soak.csv', `${lines.join('\n')}\n`);
  console.log(lines.at(-1));
  since = performance.now();
}

/** V8 doubles the room for new objects, in use or not, up to a limit: the memory of the process rises by steps. */
function youngGeneration(): number {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return space!.physical_space_size;
}
