/**
 * A run goes on in TRL as it would have gone on here: what TRL 1.16 made of the folder that
 * `ponder export --to trl` wrote (trl.json, by make_trl.py), against a step of ours on the same samples.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import { exporting } from '../../src/cli/export.ts';
import { nodeSurroundings } from '../../src/cli/open.ts';
import { Decoder } from '../../src/model/decoder.ts';
import { parseRecipe } from '../../src/rl/recipe/recipe.ts';
import { nodeRunFolder } from '../../src/rl/runs/run-folder.node.ts';
import { Run } from '../../src/rl/runs/run.ts';
import { makeRun, RECIPE, STEP } from './make-run.ts';
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
    const read = golden.steps.flatMap(({ prompts }) => prompts.filter((_, i) => i % 8 === 0));
    expect(asked.map((turns) => turns.at(-1)!.content)).toEqual(read);
    const recipe = parse(await readFile(join(out, 'recipe.yaml'), 'utf8')) as object;
    expect(recipe).toMatchObject({ max_steps: 3, reward_funcs: ['rewards.reward_model'] });
    const facts = JSON.parse(await readFile(join(out, 'run.json'), 'utf8')) as object;
    expect(facts).toMatchObject({ step: STEP, adapter: false, reference: true, stop_ids: [1] });
  });

  it('has the rewards, advantages, losses and gradients that TRL has on the same samples', async () => {
    const around = await nodeSurroundings();
    const { recipe } = parseRecipe(RECIPE, 'recipe.yaml');
    const { trainer, tokenizerFiles } = await openTrainer(recipe, around);
    await new Run(recipe, trainer, nodeRunFolder(run), tokenizerFiles).resume();
    expect(trainer.step).toBe(STEP);
    const generate = vi.spyOn(Decoder.prototype, 'generate');
    for (const want of golden.steps) {
      const written = want.ids.map((ids) => ({
        ids,
        logps: ids.map(() => 0),
        entropies: ids.map(() => 0),
        finished: ids.at(-1) === 1,
      }));
      generate.mockResolvedValueOnce([written.slice(0, 8), written.slice(8)]);
      const { metrics, groups } = await trainer.trainStep();
      const samples = groups.flatMap((group) => group.samples);
      want.rewards.forEach((reward, i) => {
        expect(Math.abs(samples[i]!.reward - reward)).toBeLessThan(1e-4);
        expect(Math.abs(samples[i]!.advantage - want.advantages[i]!)).toBeLessThan(1e-3);
      });
      expect(Math.abs(metrics['loss']! - want.loss)).toBeLessThan(1e-4);
      expect(Math.abs(metrics['kl']! - want.kl)).toBeLessThan(1e-4);
      expect(Math.abs(metrics['grad_norm']! / want.grad_norm - 1)).toBeLessThan(0.01);
      expect(metrics['learning_rate']).toBeCloseTo(want.learning_rate, 9);
    }
    generate.mockRestore();
    around.close();
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
