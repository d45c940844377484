/**
 * A run at step 20, made without training: the trained model that ships with the page, and moments of Adam
 * that follow from its weights. For make_trl.py:
 *   node --import ./scripts/typescript.mjs tests/handover/make-run.ts FOLDER
 */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFolder } from '../../src/model/node-files.ts';
import { SafetensorsFile } from '../../src/model/safetensors.ts';
import { writeSafetensors, type Tensor } from '../safetensors.ts';

export const STEP = 20;
export const RECIPE = `algorithm: grpo
seed: 3
model_name_or_path: public/models/policy
reward_model_name_or_path: public/models/reward
world: meal-planner
max_steps: 23
per_device_train_batch_size: 16
num_generations: 8
max_prompt_length: 24
max_completion_length: 48
learning_rate: 3e-4
lr_scheduler_type: cosine
warmup_steps: 10
adam_beta2: 0.95
beta: 0.04
`;

export async function makeRun(run: string): Promise<void> {
  const checkpoint = join(run, 'checkpoints', `step-${STEP}`);
  await cp('public/models/trained', checkpoint, { recursive: true });
  const source = await (await nodeFolder(checkpoint)).open('model.safetensors');
  const file = await SafetensorsFile.open(source!);
  const moments = new Map<string, Tensor>();
  for (const [name, { shape }] of file.tensors) {
    const values = await file.read(name);
    const first = values.map((w) => 1e-3 * w);
    moments.set(`exp_avg.${name}`, { shape, values: first });
    moments.set(`exp_avg_sq.${name}`, { shape, values: first.map((m) => m * m) });
  }
  await writeFile(join(checkpoint, 'optimizer.safetensors'), writeSafetensors(moments));
  const state = { global_step: STEP, num_input_tokens_seen: 0, optimizer_steps: STEP };
  await writeFile(join(checkpoint, 'trainer_state.json'), JSON.stringify(state));
  await writeFile(join(run, 'recipe.yaml'), RECIPE);
}

const [, script, folder] = process.argv;
if (script === import.meta.filename && folder !== undefined) {
  await makeRun(folder);
  console.log(await readFile(join(folder, 'recipe.yaml'), 'utf8'));
}
