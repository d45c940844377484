/**
 * A run goes on in TRL as it would have gone on here: what TRL 1.16 made of the folder that
 * `ponder export --to trl` wrote (trl.json, by make_trl.py), against a step of ours on the same samples.
 * With TRL_PYTHON=.../bin/python, a Python that has TRL, TRL goes on with the same folders once more.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import { exporting } from '../../src/cli/export.ts';
import { nodeSurroundings } from '../../src/cli/open.ts';
import { Decoder } from '../../src/model/decoder.ts';
import { parseRecipe } from '../../src/rl/recipe/recipe.ts';
import type { Sample } from '../../src/rl/report.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { Run } from '../../src/rl/runs/run.ts';
import { makeRun, RECIPE, RECIPES, STEP, type Case } from './make-run.ts';
import golden from './trl.json' with { type: 'json' };

let home: string;
let run: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ponder-handover-'));
  run = join(home, 'run');
  await makeRun(run);
});
afterAll(() => rm(home, { recursive: true }));

function handOver(source: string, out: string): Promise<string> {
  return exporting.run([source, '--to', 'trl', '--out', out], true);
}

describe('a run that is handed over', () => {
  it('gives TRL the prompts that its next steps would have read', async () => {
    const out = join(home, 'trl');
    await handOver(run, out);
    const rows = (await readFile(join(out, 'train.jsonl'), 'utf8')).trim().split('\n');
    const asked = rows.map((row) => (JSON.parse(row) as { turns: { content: string }[] }).turns);
    // TRL repeats each prompt for the completions of its group.
    const read = golden.runs.grpo.flatMap(({ prompts }) => prompts.filter((_, i) => i % 8 === 0));
    expect(asked.map((turns) => turns.at(-1)!.content)).toEqual(read);
    const recipe = parse(await readFile(join(out, 'recipe.yaml'), 'utf8')) as object;
    expect(recipe).toMatchObject({ max_steps: 3, reward_funcs: ['rewards.reward_model'] });
    const facts = JSON.parse(await readFile(join(out, 'run.json'), 'utf8')) as object;
    expect(facts).toMatchObject({ step: STEP, adapter: false, reference: true, stop_ids: [1] });
  });
});

/** A step of TRL; only GRPO has samples. */
interface Want {
  ids?: number[][];
  rewards?: number[];
  advantages?: number[];
  loss: number;
  kl?: number;
  grad_norm: number;
  learning_rate: number;
}
const GOLDEN: Record<Case, Want[]> = golden.runs;

describe('TRL, and Ponder on the same samples, have the same losses and gradients', () => {
  let around: Awaited<ReturnType<typeof nodeSurroundings>>;
  beforeAll(async () => {
    around = await nodeSurroundings();
  });
  afterAll(() => around.close());

  it.each(Object.keys(RECIPES) as Case[])('%s', async (name) => {
    const path = join(home, name);
    await makeRun(path, name);
    const { recipe } = parseRecipe(await readFile(join(path, 'recipe.yaml'), 'utf8'), name);
    const { trainer, tokenizerFiles } = await openTrainer(recipe, around);
    await new Run(recipe, trainer, nodeRunFolder(path), tokenizerFiles).resume();
    expect(trainer.step).toBe(STEP);
    const generate = vi.spyOn(Decoder.prototype, 'generate');
    for (const want of GOLDEN[name]) {
      const written = want.ids?.map((ids) => ({
        ids,
        logps: ids.map(() => 0),
        entropies: ids.map(() => 0),
        finished: ids.at(-1) === 1,
      }));
      if (written) generate.mockResolvedValueOnce([written.slice(0, 8), written.slice(8)]);
      const { metrics, groups } = await trainer.trainStep();
      const samples = groups.flatMap((group) => group.samples);
      expectSame(samples, want);
      // Ten times less than what new moments of the score head alone would change.
      expect(Math.abs(metrics['loss']! - want.loss)).toBeLessThan(4e-6);
      if (want.kl !== undefined) expect(Math.abs(metrics['kl']! - want.kl)).toBeLessThan(1e-4);
      expect(Math.abs(metrics['grad_norm']! / want.grad_norm - 1)).toBeLessThan(1e-3);
      expect(metrics['learning_rate']).toBeCloseTo(want.learning_rate, 9);
    }
    generate.mockRestore();
    trainer.destroy();
  });
});

function expectSame(
  samples: readonly Pick<Sample, 'reward' | 'advantage'>[],
  { rewards = [], advantages = [] }: Want,
): void {
  expect(samples).toHaveLength(rewards.length);
  samples.forEach(({ reward, advantage }, i) => {
    expect(Math.abs(reward - rewards[i]!)).toBeLessThan(1e-4);
    expect(Math.abs(advantage - advantages[i]!)).toBeLessThan(1e-4);
  });
}

const python = process.env['TRL_PYTHON'];
if (!python) console.warn('TRL itself: not run, because TRL_PYTHON is not set.');

describe.skipIf(!python)('TRL itself gives these numbers on the same samples', () => {
  it.each(Object.keys(RECIPES) as Case[])('%s', { timeout: 300_000 }, async (name) => {
    const [path, folder] = [join(home, `${name}-again`), join(home, `${name}-trl`)];
    await makeRun(path, name);
    await handOver(path, folder);
    const [script, numbers] = ['make_trl.py', 'trl.json'].map((file) =>
      join(import.meta.dirname, file),
    );
    const { stderr } = await promisify(execFile)(python!, [script!, folder, name, numbers!]);
    // One line for each step: the differences to trl.json.
    const lines = stderr.match(/\{'loss': [\d.e-]+,.*\}/g) ?? [];
    expect(lines).toHaveLength(GOLDEN[name].length);
    for (const line of lines) {
      const differences = Object.values(
        JSON.parse(line.replaceAll("'", '"')) as object,
      ) as number[];
      expect(Math.max(...differences)).toBeLessThan(1e-4);
    }
  });
});

const REWARD = 'reward_model_name_or_path: public/models/reward\n';
describe('a run that cannot go on in TRL', () => {
  it.each([
    ['ppo', `algorithm: ppo\n${REWARD}`, /no stable PPO/],
    [
      'a rule in JavaScript',
      'reward_funcs: rules/mine.js\n',
      /mine\.js is JavaScript.*rules\/mine\.py/,
    ],
    ['a finished run', `${REWARD}max_steps: ${STEP}\n`, /finished after 20 steps/],
  ])('is refused before anything is written: %s', async (_, change, message) => {
    const other = join(home, 'other');
    await cp(run, other, { recursive: true });
    const { model_name_or_path: model } = parse(RECIPE) as Record<string, string>;
    const yaml = `model_name_or_path: ${model}\nworld: meal-planner\n${change}`;
    await writeFile(join(other, 'recipe.yaml'), yaml);
    const out = join(home, 'refused');
    await expect(handOver(other, out)).rejects.toThrow(message);
    await expect(readFile(join(out, 'recipe.yaml'))).rejects.toThrow('ENOENT');
  });
});
