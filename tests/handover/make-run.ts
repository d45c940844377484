/**
 * Runs at step 20, made without training: models that ship with the page, and moments of Adam that follow from
 * their weights. For make_trl.py:
 *   node --import ./scripts/typescript.mjs tests/handover/make-run.ts FOLDER [CASE]
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig } from '../../src/model/checkpoint.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { ADAPTER_WEIGHTS } from '../../src/model/peft.ts';
import { SafetensorsFile } from '../../src/model/safetensors.ts';
import { jsonLines } from '../../src/rl/data/json-lines.ts';
import { Random } from '../../src/rl/random.ts';
import { demonstration } from '../../src/rl/world/sft-data.ts';
import { ggufCase } from '../gguf-models.ts';
import { saveAdapter } from '../random-model.ts';
import { writeSafetensors, type Tensor } from '../safetensors.ts';

export const STEP = 20;
const SCHEDULE = `seed: 3
max_steps: 23
learning_rate: 3e-4
lr_scheduler_type: cosine
warmup_steps: 10
adam_beta2: 0.95
`;
const POLICY = 'model_name_or_path: public/models/policy\n';
const REWARD = 'reward_model_name_or_path: public/models/reward\n';
const SAMPLING = `world: meal-planner
per_device_train_batch_size: 16
num_generations: 8
max_prompt_length: 24
max_completion_length: 48
beta: 0.04
`;
export const RECIPE = `algorithm: grpo\n${POLICY}${REWARD}${SCHEDULE}${SAMPLING}`;
const LORA = { r: 2, alpha: 4, targets: ['q_proj', 'down_proj'] } as const;
const WITH_LORA =
  `use_peft: true\nlora_r: ${LORA.r}\nlora_alpha: ${LORA.alpha}\n` +
  `lora_target_modules: [${LORA.targets.join(', ')}]\n`;
const PAIRS =
  'datasets: [{path: json, data_files: [RUN/pairs.jsonl], split: train}]\nper_device_train_batch_size: 4\n';

/** Recipes of runs that TRL goes on with; RUN stands for the run's folder. */
export const RECIPES = {
  grpo: RECIPE,
  // Of the two rewards, the judge's is in nats.
  judge: `${RECIPE}judge_model_name_or_path: RUN/judge\nreward_weights: [1, 0.5]\n`,
  adapter: RECIPE + WITH_LORA,
  sft: `algorithm: sft\n${POLICY}${SCHEDULE}world: meal-planner\nper_device_train_batch_size: 8\nmax_length: 128\n`,
  dpo: `algorithm: dpo\n${POLICY}${SCHEDULE}${PAIRS}thinking: false\nbeta: 0.1\n`,
  reward: `algorithm: reward\nmodel_name_or_path: public/models/reward\n${SCHEDULE}${PAIRS}max_length: 128\n`,
  // The score head is trained beside the factors.
  'reward-adapter': `algorithm: reward\n${POLICY}${SCHEDULE}${PAIRS}max_length: 128\n${WITH_LORA}`,
};
export type Case = keyof typeof RECIPES;

export async function makeRun(run: string, name: Case = 'grpo'): Promise<void> {
  const checkpoint = join(run, 'checkpoints', `step-${STEP}`);
  const adapted = name === 'adapter' || name === 'reward-adapter';
  if (adapted) {
    const config = await readConfig(await nodeFolder('public/models/policy'));
    const random = new Random(7);
    const task = name === 'adapter' ? 'CAUSAL_LM' : 'SEQ_CLS';
    const lora = { ...LORA, task, base: 'public/models/policy' } as const;
    await saveAdapter(checkpoint, config, lora, () => 0.1 * random.normal());
  } else {
    await cp(`public/models/${name === 'reward' ? 'reward' : 'trained'}`, checkpoint, {
      recursive: true,
    });
  }
  if (name === 'judge') await saveJudge(join(run, 'judge'));
  if (RECIPES[name].includes('pairs.jsonl')) {
    await writeFile(join(run, 'pairs.jsonl'), jsonLines(Array.from({ length: 40 }, pair)));
  }
  await saveMoments(checkpoint, adapted ? ADAPTER_WEIGHTS : 'model.safetensors');
  const state = { global_step: STEP, num_input_tokens_seen: 0, optimizer_steps: STEP };
  await writeFile(join(checkpoint, 'trainer_state.json'), JSON.stringify(state));
  await writeFile(join(run, 'recipe.yaml'), RECIPES[name].replaceAll('RUN', run));
}

async function saveMoments(checkpoint: string, weights: string): Promise<void> {
  const source = await (await nodeFolder(checkpoint)).open(weights);
  const file = await SafetensorsFile.open(source!);
  const moments = new Map<string, Tensor>();
  for (const [name, { shape }] of file.tensors) {
    const values = await file.read(name);
    const first = values.map((w) => 1e-3 * w);
    moments.set(`exp_avg.${name}`, { shape, values: first });
    moments.set(`exp_avg_sq.${name}`, { shape, values: first.map((m) => m * m) });
  }
  await writeFile(join(checkpoint, 'optimizer.safetensors'), writeSafetensors(moments));
}

/** A tiny model with random weights, whose tokenizer has every text. */
async function saveJudge(folder: string): Promise<void> {
  await mkdir(folder);
  for (const [file, blob] of ggufCase('llama', { max_position_embeddings: 1024 }).files)
    await writeFile(join(folder, file), Buffer.from(await blob.arrayBuffer()));
}

/** Two answers to the same prompt. */
function pair(_: unknown, i: number): object {
  const { prompt, completion: chosen } = demonstration(new Random(5, `pair ${i}`), false);
  const rejected = chosen
    .split(' ')
    .slice(0, -(1 + (i % 3)))
    .join(' ');
  return { prompt, chosen, rejected };
}

const [, script, folder, name = 'grpo'] = process.argv;
if (script === import.meta.filename && folder !== undefined) {
  await makeRun(folder, name as Case);
  console.log(await readFile(join(folder, 'recipe.yaml'), 'utf8'));
}
