/**
 * A run goes on in OpenRLHF: openrlhf.json has the arguments of OpenRLHF 0.11.2's own parser
 * (make_openrlhf.py). Its training needs cards; nothing was trained there.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { argumentLines, openrlhfRecipe } from '../../src/app/handover/openrlhf/recipe.ts';
import { exporting } from '../../src/cli/export.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import { makeRun, RECIPE, STEP } from './make-run.ts';
import golden from './openrlhf.json' with { type: 'json' };
import trl from './trl.json' with { type: 'json' };

const { status } = spawnSync('python3', ['-c', '']);
if (status !== 0) console.warn('The reward for OpenRLHF: skipped, because there is no python3.');

let home: string;
let run: string;
let out: string;
beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'ponder für openrlhf ')));
  [run, out] = [join(home, 'run'), join(home, 'openrlhf')];
  await makeRun(run);
  await handOver(run, out);
});
afterAll(() => rm(home, { recursive: true }));

function handOver(source: string, folder: string): Promise<string> {
  return exporting.run([source, '--to', 'openrlhf', '--out', folder], true);
}

/** The run with another recipe. */
async function runWith(recipe: string): Promise<string> {
  const other = await mkdtemp(join(home, 'other-'));
  await cp(run, other, { recursive: true });
  await writeFile(join(other, 'recipe.yaml'), recipe);
  return other;
}

interface Argument {
  nargs: number | string | null;
  type: string | null;
  choices: string[] | null;
}
const ARGUMENTS: Readonly<Record<string, Argument>> = golden.arguments;

/** What is wrong with the arguments, as OpenRLHF's parser reads them. */
function wrongWith(words: readonly string[]): string[] {
  const wrong: string[] = [];
  for (let i = 0; i < words.length;) {
    const name = words[i++]!;
    const argument = ARGUMENTS[name];
    const values: string[] = [];
    while (i < words.length && !words[i]!.startsWith('--')) values.push(words[i++]!);
    const { nargs = null, type = null, choices = null } = argument ?? {};
    const number = type === 'int' ? /^-?\d+$/ : /^(-?\d+|-?\d*\.\d+|\d+(\.\d+)?e-?\d+)$/;
    if (!argument) wrong.push(`${name} is unknown`);
    else if (values.length !== (nargs ?? 1)) wrong.push(`${name} has ${values.length} values`);
    else if (choices && !choices.includes(values[0]!)) wrong.push(`${name} is ${values[0]}`);
    else if ((type === 'int' || type === 'float') && !values.every((v) => number.test(v)))
      wrong.push(`${name} is no ${type}: ${values.join(' ')}`);
  }
  return wrong;
}

/** The arguments of train.sh, with an empty value for a flag. */
async function trainArguments(env: Record<string, string> = {}): Promise<string[]> {
  const bin = join(home, 'bin');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'python3'), `#!/bin/sh\nexec printf '%s\\n' "$@"\n`);
  await chmod(join(bin, 'python3'), 0o755);
  const path = `${bin}${delimiter}${process.env['PATH']}`;
  const options = { env: { ...process.env, ...env, PATH: path }, encoding: 'utf8' as const };
  const words = execFileSync('bash', [join(out, 'train.sh')], options)
    .trim()
    .split('\n');
  expect(words.slice(0, 2)).toEqual(['-m', 'openrlhf.cli.train_ppo_ray']);
  return words.slice(2);
}

const base = { model_name_or_path: 'm', reward_model_name_or_path: 'r', world: 'meal-planner' };

describe('a run that is handed over to OpenRLHF', () => {
  it('has arguments that its parser has', async () => {
    const words = await trainArguments({ NODES: '2', GPUS: '8' });
    expect(wrongWith(words)).toEqual([]);
    const line = words.join(' ').replaceAll(out, 'FOLDER');
    for (const part of [
      '--data.prompt_dataset FOLDER/train.jsonl --data.input_key prompt --data.label_key label',
      '--data.max_len 72 --reward.remote_url FOLDER/reward.py',
      '--rollout.batch_size 2 --rollout.n_samples_per_prompt 8 --rollout.max_new_tokens 48',
      '--algo.advantage.estimator group_norm --algo.kl.init_coef 0.04 --algo.kl.use_loss',
      '--actor.model_name_or_path FOLDER/policy --actor.policy_loss_type ppo',
      '--actor.adam.lr 0.000037723387774334816 --actor.adam.betas 0.9 0.95',
      '--train.batch_size 16 --train.max_epochs 1',
      '--actor.num_nodes 2 --actor.num_gpus_per_node 8 --ref.num_nodes 2',
      '--vllm.num_engines 16',
    ])
      expect(line).toContain(part);
  });

  it('is told where an argument is none of its parser', () => {
    expect(wrongWith(['--remote_rm_url', 'x', '--train.batch_size', '1.5'])).toEqual([
      '--remote_rm_url is unknown',
      '--train.batch_size is no int: 1.5',
    ]);
    expect(wrongWith(['--reward.clip_range', '1', '--actor.optim', 'sgd'])).toEqual([
      '--reward.clip_range has 1 values',
      '--actor.optim is sgd',
    ]);
    expect(wrongWith(['--actor.adam.lr', '-1e9'])).toHaveLength(1);
  });

  it.each([
    [
      { loss_type: 'grpo', importance_sampling_level: 'sequence', delta: 4 },
      '--actor.policy_loss_type gspo --actor.loss_agg_mode seq-mean-token-mean',
    ],
    [{ beta: 0, scale_rewards: 'none' }, '--algo.advantage.estimator dr_grpo'],
    [{ soft_punish_cache: 64 }, '--reward.overlong_buffer_len 64'],
    [{ beta: 0.1, use_bias_correction_kl: true }, '--algo.kl.unbiased_gradient'],
    [{ epsilon: 0.2, epsilon_high: 0.28 }, '--actor.eps_clip_low_high 0.2 0.28'],
    [
      { learning_rate: 1e-7, gradient_checkpointing: true },
      '--actor.gradient_checkpointing_enable',
    ],
    // 6 of 96 steps are left of the warm-up: OpenRLHF rounds 11.5 / 192 of 192 updates up.
    [
      { warmup_steps: 10, lr_scheduler_type: 'linear', num_iterations: 2 },
      `--actor.lr_warmup_ratio ${11.5 / 192}`,
    ],
  ])('%o', (change, want) => {
    const lines = argumentLines(openrlhfRecipe(makeRecipe({ ...base, ...change }), 4, true));
    expect(lines.join(' ')).toContain(want);
    expect(wrongWith(lines.join(' ').split(' '))).toEqual([]);
  });

  it('has the prompts of the next steps, and what its reward reads', async () => {
    const rows = (await readFile(join(out, 'train.jsonl'), 'utf8')).trim().split('\n');
    const asked = trl.runs.grpo.flatMap(({ prompts }) => prompts.filter((_, i) => i % 8 === 0));
    expect(rows.map((row) => JSON.parse(row) as unknown)).toEqual(
      asked.map((content) => ({
        prompt: `${content} <think>`,
        label: JSON.stringify({ turns: [{ role: 'user', content }], row: '{}' }),
      })),
    );
    expect(await readFile(join(out, 'README.md'), 'utf8')).toContain(`step ${STEP} of 23`);
    expect(existsSync(join(out, 'reward_model', 'model.safetensors'))).toBe(true);
  });

  it.skipIf(status !== 0)('has the rewards of the responses', async () => {
    const rules = 'recipes/rules/arithmetic.js, recipes/rules/one-sentence.js';
    const folder = join(home, 'rules');
    const recipe = `${RECIPE.replace(/reward_model_name.*\n/, '')}reward_funcs: [${rules}]\n`;
    await handOver(await runWith(`${recipe}reward_weights: [2, 1]\n`), folder);
    const label = (content: string): string =>
      JSON.stringify({ turns: [{ role: 'user', content }], row: '{}' });
    // The delimiter in a prompt ends no thought.
    const prompts = ['What is 12 + 30? Close it by </think>. <think>', 'And 7 * 3? <think>'];
    const said = ['12 and 30</think> 42<eos>', 'it is </think>20. No, 21. Sure?'];
    const input = JSON.stringify({
      queries: prompts.map((prompt, i) => ` ${prompt}${said[i]}`),
      prompts,
      labels: [label('What is 12 + 30?'), label('And 7 * 3?')],
    });
    const check = [join(import.meta.dirname, 'check_openrlhf_reward.py'), folder];
    const answer = JSON.parse(execFileSync('python3', check, { input, encoding: 'utf8' })) as {
      rewards: number[];
      scores: number[];
      extra_logs: Record<string, number[]>;
    };
    expect(Object.keys(answer.extra_logs)).toEqual(['arithmetic', 'one-sentence']);
    const { arithmetic, 'one-sentence': sentence } = answer.extra_logs;
    expect(arithmetic![0]).toBe(1);
    expect(answer.rewards).toEqual(arithmetic!.map((value, i) => 2 * value + sentence![i]!));
    expect(answer.scores).toEqual(answer.rewards);
    expect(new Set(answer.rewards).size).toBe(2);
  });
});

describe('a run that cannot go on in OpenRLHF', () => {
  it.each([
    [
      { loss_type: 'dr_grpo', top_k: 5 },
      /loss_type dr_grpo, top_k; use TRL \(--to trl\), or begin a run/,
    ],
    [{ use_peft: true }, /a way to go on with an adapter; use TRL \(--to trl\)/],
    [{ scale_rewards: 'batch' }, /scale_rewards: batch/],
    [{ importance_sampling_level: 'sequence' }, /sequence without loss_type grpo/],
    // TRL does not have it either.
    [{ dynamic_sampling: 3 }, /dynamic_sampling in this form; begin a run without it/],
    [{ algorithm: 'ppo' }, /only a GRPO run goes on in OpenRLHF; .*\(--to hf/],
  ])('is refused: %o', (change, message) => {
    const recipe = makeRecipe({ ...base, ...change });
    expect(() => openrlhfRecipe(recipe, 4, false)).toThrow(message);
  });

  it('is refused before anything is written', async () => {
    const refused = join(home, 'refused');
    const message = /does not have min_p; use TRL \(--to trl\)/;
    await expect(handOver(await runWith(`${RECIPE}min_p: 0.1\n`), refused)).rejects.toThrow(
      message,
    );
    expect(existsSync(refused)).toBe(false);
  });
});
