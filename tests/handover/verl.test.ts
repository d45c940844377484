/**
 * A run goes on in verl: verl.json is what verl 0.9.1's own configuration made of the train.sh that
 * `ponder export --to verl` writes (check_verl.py). With VERL_PYTHON=.../bin/python, a Python that has verl
 * and hydra-core, it is asked anew.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overrides, verlRecipe } from '../../src/app/handover/verl/recipe.ts';
import { exporting } from '../../src/cli/export.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import { makeRun, STEP } from './make-run.ts';
import trl from './trl.json' with { type: 'json' };
import golden from './verl.json' with { type: 'json' };

const python = process.env['VERL_PYTHON'];
if (!python) console.warn('verl’s own configuration: not asked, because VERL_PYTHON is not set.');

let home: string;
let out: string;
beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'ponder für verl ')));
  out = join(home, 'verl');
  await makeRun(join(home, 'run'));
  await exporting.run([join(home, 'run'), '--to', 'verl', '--out', out], true);
});
afterAll(() => rm(home, { recursive: true }));

/** The output of train.sh, with another program in place of python3. */
async function trainWith(program: string, ...args: string[]): Promise<string> {
  const bin = join(home, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'python3'), `#!/bin/sh\nexec ${program} "$@"\n`);
  await chmod(join(bin, 'python3'), 0o755);
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` };
  return (await promisify(execFile)('bash', [join(out, 'train.sh'), ...args], { env })).stdout;
}

/** Python writes ü as \u00fc. */
const inFolder = (text: string): unknown =>
  JSON.parse(JSON.stringify(JSON.parse(text)).replaceAll(out, 'FOLDER'));

describe('a run that is handed over to verl', () => {
  it('sets the keys that verl accepted, to the values that it read', async () => {
    const lines = (await trainWith(`printf '%s\\n'`)).trim().split('\n').slice(2);
    const written = lines.map((line) => {
      const [key = '', value = ''] = line.replaceAll(out, 'FOLDER').split(/=(.*)/s);
      return [key, value.replace(/^(["'])(.*)\1$/, '$2')];
    });
    const text = (value: unknown): string =>
      Array.isArray(value) ? `[${value.join(',')}]` : String(value);
    const read = Object.entries(golden.values).map(([key, value]) => [key, text(value)]);
    expect(Object.fromEntries(written)).toEqual(Object.fromEntries(read));
    expect(written).toHaveLength(read.length);
  });

  it.skipIf(!python)('is accepted by verl, which refuses a key that it does not know', async () => {
    const check = `${python} ${join(import.meta.dirname, 'check_verl.py')}`;
    expect(inFolder(await trainWith(check))).toEqual(golden);
    const unknown = trainWith(check, 'data.train_batchsize=2');
    await expect(unknown).rejects.toThrow("Could not override 'data.train_batchsize'");
    const broken = trainWith(check, 'algorithm=[grpo');
    await expect(broken).rejects.toThrow(/OverrideParseException/);
  });

  it('has the prompts of the next steps, as the policy reads them', async () => {
    const file = await asyncBufferFromFile(join(out, 'train.parquet'));
    const rows = await parquetReadObjects({ file });
    const asked = trl.runs.grpo.flatMap(({ prompts }) => prompts.filter((_, i) => i % 8 === 0));
    expect(rows.map(({ prompt }) => prompt as unknown)).toEqual(
      asked.map((prompt) => [{ role: 'user', content: `${prompt} <think>` }]),
    );
    expect(rows[1]).toMatchObject({
      data_source: 'meal-planner',
      reward_model: { style: 'model', ground_truth: '' },
      extra_info: {
        index: 1,
        turns: JSON.stringify([{ role: 'user', content: asked[1] }]),
        row: '{}',
      },
    });
    const facts = JSON.parse(await readFile(join(out, 'run.json'), 'utf8')) as object;
    expect(facts).toMatchObject({ rewards: ['reward_model'], weights: [1], malformed: 'lenient' });
    expect(await readFile(join(out, 'README.md'), 'utf8')).toContain(`step ${STEP} of 23`);
  });
});

describe('a recipe in verl’s words', () => {
  const base = {
    model_name_or_path: 'm',
    reward_model_name_or_path: 'r',
    world: 'meal-planner',
  };
  it.each([
    [{ loss_type: 'grpo' }, { loss_agg_mode: 'seq-mean-token-mean', clip_ratio_c: 1e6 }],
    [
      { loss_type: 'dr_grpo' },
      { loss_agg_mode: 'seq-mean-token-sum-norm', loss_scale_factor: 256 },
    ],
    [
      { loss_type: 'cispo', epsilon_high: 5 },
      { clip_ratio_low: 1, clip_ratio_high: 4, 'policy_loss.loss_mode': 'cispo' },
    ],
    [
      { loss_type: 'grpo', importance_sampling_level: 'sequence', delta: 4 },
      { 'policy_loss.loss_mode': 'gspo', clip_ratio_c: 4 },
    ],
    [
      { lr_scheduler_type: 'cosine', warmup_steps: 10, learning_rate: 0.5 },
      { 'optim.lr': 0.5, 'optim.lr_warmup_steps': 6, 'optim.lr_scheduler_type': 'cosine' },
    ],
  ])('%o', (change, want) => {
    const values = verlRecipe(makeRecipe({ ...base, ...change }), 4, false);
    const actor = Object.entries(want).map(([key, v]) => [`actor_rollout_ref.actor.${key}`, v]);
    expect(values).toMatchObject(Object.fromEntries(actor));
  });

  it('continues an adapter on its base', () => {
    const adapter = { use_peft: true, lora_r: 8, lora_alpha: 16, lora_target_modules: ['q_proj'] };
    const lines = overrides(verlRecipe(makeRecipe({ ...base, ...adapter }), 4, false));
    expect(lines).toContain(`'actor_rollout_ref.model.target_modules=[q_proj]'`);
    expect(lines).toContain(`"actor_rollout_ref.model.lora_adapter_path='$PWD/policy'"`);
    expect(lines).toContain(`"actor_rollout_ref.model.path='$PWD/base'"`);
  });

  it.each([
    [
      { loss_type: 'vespo', min_p: 0.1 },
      /does not have loss_type vespo, min_p; use TRL \(--to trl\)/,
    ],
    [{ scale_rewards: 'batch' }, /scale_rewards: batch/],
    // TRL does not have it in its recipe either.
    [{ soft_punish_cache: 64 }, /soft_punish_cache beside another reward; begin a run without it/],
    [{ lr_scheduler_type: 'linear' }, /lr_scheduler_type linear/],
    [{ use_peft: true, load_in_4bit: true }, /a quantised base/],
    [{ algorithm: 'sft', reward_model_name_or_path: undefined }, /only a GRPO run/],
    [{ algorithm: 'ppo' }, /only a GRPO run goes on in verl; for this run, save its model/],
  ])('is refused where verl has no words: %o', (change, message) => {
    const { reward_model_name_or_path: reward, ...rest } = { ...base, ...change };
    const recipe = makeRecipe({ ...rest, ...(reward && { reward_model_name_or_path: reward }) });
    expect(() => verlRecipe(recipe, 4, false)).toThrow(message);
  });
});
