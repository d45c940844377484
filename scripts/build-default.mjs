// npm run build:default: makes everything that the page ships, from the recipes alone: the warm start,
// preference data, two reward models, a base model, the run that the page replays, and the policy at its
// end. It takes hours on two cores; if it is started again, it continues where it stopped.
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';
import { finalCheckpoint, ponder, train } from './runs.mjs';

const MODEL_FILES = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
const runs = 'runs/default';

await train('recipes/meal-planner/sft.yaml', `${runs}/sft`);
publish(`${runs}/sft`, 'policy');

await writePreferences(`${runs}/preferences-a.jsonl`, 1);
await train('recipes/meal-planner/reward-a.yaml', `${runs}/reward-a`);
publish(`${runs}/reward-a`, 'reward');

await writePreferences(`${runs}/preferences-b.jsonl`, 2);
await train('recipes/meal-planner/reward-b.yaml', `${runs}/reward-b`);
publish(`${runs}/reward-b`, 'second-reward');

await train('recipes/meal-planner/base.yaml', `${runs}/base`);
publish(`${runs}/base`, 'base');

await train('recipes/default.yaml', `${runs}/think`);
publish(`${runs}/think`, 'trained');
await ponder('record', `${runs}/think`, '--out', 'public/recorded-run.json');

/**
 * @param {string} out
 * @param {number} seed
 */
async function writePreferences(out, seed) {
  if (existsSync(join(root, out))) return;
  const partial = `${out}.partial`;
  await ponder(
    ...['preferences', '--model', 'public/models/policy', '--num_prompts', '8000'],
    ...['--seed', String(seed), '--out', partial],
  );
  renameSync(join(root, partial), join(root, out));
}

/**
 * Copies the model at the end of a run to the page's models.
 * @param {string} run
 * @param {string} name
 */
function publish(run, name) {
  const to = join(root, 'public', 'models', name);
  mkdirSync(to, { recursive: true });
  for (const file of MODEL_FILES) {
    copyFileSync(join(root, finalCheckpoint(run), file), join(to, file));
  }
}
