/** What TRL wrote comes back: as a run with its groups, and as a policy. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openReturned, storeReturned, type Opened } from '../../src/app/handover/back/open.ts';
import { listRuns, openRun } from '../../src/app/runs/stored-runs.ts';
import { analyze } from '../../src/cli/analyze.ts';
import { exporting } from '../../src/cli/export.ts';
import { openAt } from '../../src/cli/open.ts';
import { readReturned } from '../../src/cli/returned.ts';
import { findPolicy } from '../../src/cli/run-files.ts';
import { blobSource } from '../../src/model/files.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { walkThrough, firstChoices } from '../../src/ui/stepper/walks/walk.ts';
import { updateOptions } from '../../src/ui/stepper/update-options.ts';
import { memoryFolder } from '../app/memory-folder.ts';
import { filesIn, OUTPUT } from './trl-output.ts';

const NO_NUMBERS = 'TRL wrote no lengths of completions and no numbers for single tokens.';
const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ponder-back-'));
});
afterAll(() => rm(home, { recursive: true }));

async function returned(name: string): Promise<Opened> {
  return (await readReturned(join(OUTPUT, name)))!;
}

describe('an output of TRL', () => {
  it('is the run that was handed over, from its step on', async () => {
    const { recipe, metrics, steps, lacks } = await returned('handed-over');
    expect(recipe).toMatchObject({ algorithm: 'grpo', world: 'meal-planner', max_steps: 23 });
    expect(steps).toEqual([21, 22, 23]);
    expect(metrics.map(({ step }) => step)).toEqual([21, 22, 23]);
    expect(metrics[0]).toMatchObject({
      reward: -0.753156840801239,
      grad_norm: expect.any(Number) as number,
    });
    expect(lacks).toEqual([
      NO_NUMBERS,
      'At a step with an evaluation, TRL kept the completions of the evaluation, and few or none of the training.',
    ]);
  });

  it('has the completions of a step, with thought, response, reward and advantage', async () => {
    const { metrics, read } = await returned('handed-over');
    const { completions = [] } = await read(21);
    expect(completions).toHaveLength(16);
    expect(meanOf(completions.map(({ reward }) => reward))).toBeCloseTo(metrics[0]!.reward!, 5);
    expect(completions[0]).toMatchObject({
      // Without the thought that the prompt opens.
      prompt: expect.stringMatching(/budget 9$/) as string,
      thought: 'try noodles 1 ok left 8 waffle 7 ok left 1 good',
      response: 'hello finn ! noodles 1 and waffle 7 . enjoy !',
      advantage: 0.5094427466392517,
    });
  });

  it('does not take the completions of an evaluation for those of its step', async () => {
    const { metrics, read } = await returned('handed-over');
    const { completions, followed = [], evaluations = [] } = await read(22);
    expect(completions).toBeUndefined();
    expect(meanOf(followed.map(({ reward }) => reward))).toBeCloseTo(metrics[1]!.eval_reward!, 5);
    expect(evaluations.map(({ prompt }) => prompt)).toEqual([
      ...new Set(followed.map(({ prompt }) => prompt)),
    ]);
  });

  it('takes prompts as turns and several rewards, and says that their weights are unknown', async () => {
    const { recipe, read, lacks } = await returned('conversations');
    expect(recipe).toMatchObject({ num_generations: 4, reward_funcs: ['reward_model', 'short'] });
    expect(lacks).toContain('The weights of the rewards are unknown: their plain sum is shown.');
    const { completions = [] } = await read(1);
    expect(completions[0]!.prompt).toMatch(/^menu .* budget 10$/);
    const { reward_model: judged, short } = completions[0]!.rewards!;
    expect(completions[0]!.reward).toBeCloseTo(judged! + short!, 6);
  });

  it('opens as a run whose group can be walked through, as far as there are numbers', async () => {
    const runs = memoryFolder();
    await storeReturned(
      runs,
      'run-1',
      (await openReturned(await filesIn('handed-over', 'trl/output/')))!,
    );
    const [listed] = await listRuns(runs, {});
    expect(listed).toMatchObject({ finished: true, savedStep: 0, problems: [], maxSteps: 23 });
    expect(listed!.facts).toMatchObject({ name: 'output' });
    expect(listed!.facts.note).toMatch(/^From TRL\. TRL wrote no lengths/);
    const { reports, problems } = await openRun(runs, 'run-1');
    expect(problems).toEqual([]);
    expect(reports.map(({ group }) => group?.samples.length)).toEqual([8, undefined, undefined]);
    expect(reports.map(({ followed }) => followed?.length)).toEqual([undefined, 2, 2]);
    expect(reports.map(({ evaluation }) => evaluation?.length)).toEqual([undefined, 2, 2]);
    const group = reports[0]!.group!;
    const options = updateOptions(listed!.recipe);
    const steps = walkThrough(group, options, firstChoices(group, options), false);
    expect(steps.map(({ title }) => title)).toContain('Token by token');
    const text = steps.map(({ reveal }) => reveal).join(' ');
    expect(text).toMatch(/no numbers for single tokens/);
    expect(text).not.toMatch(/NaN|undefined/);
  });

  it('says what is missing where only curves, or only completions, came back', async () => {
    const files = await filesIn('adapter');
    const only = (pattern: RegExp) => new Map([...files].filter(([path]) => pattern.test(path)));
    const curves = (await openReturned(only(/trainer_state/)))!;
    expect(curves.lacks).toEqual([
      'It has no completions: TRL writes them with log_completions: true.',
    ]);
    expect(curves.metrics.map(({ reward }) => reward)).toHaveLength(2);
    const texts = (await openReturned(only(/parquet/)))!;
    expect(texts.lacks[0]).toMatch(/^Its only curve is the reward/);
    const full = (await openReturned(files))!;
    texts.metrics.forEach(({ reward }, i) =>
      expect(reward).toBeCloseTo(full.metrics[i]!.reward!, 5),
    );
  });

  it('has its completions where the logs are missing, and NaN in the logs is left out', async () => {
    const files = await filesIn('adapter');
    const path = 'checkpoint-2/trainer_state.json';
    const withState = (text: string) =>
      openReturned(new Map([...files, [path, blobSource(path, new Blob([text]))]]));
    const state = { global_step: 2, is_world_process_zero: true };
    for (const given of [state, { ...state, log_history: [] }]) {
      const { recipe, lacks, metrics } = (await withState(JSON.stringify(given)))!;
      expect(recipe).toMatchObject({ algorithm: 'grpo', num_generations: 4 });
      expect(lacks[0]).toMatch(/^Its only curve is the reward/);
      expect(metrics.map(({ step }) => step)).toEqual([1, 2]);
    }
    // As Python writes it.
    const log =
      '[{"step": 1, "reward": -0.5, "kl": NaN, "note": "NaN"}, {"step": 2, "loss": -Infinity}]';
    const { metrics } = (await withState(
      `{"is_world_process_zero": true, "log_history": ${log}}`,
    ))!;
    expect(metrics[0]).toMatchObject({ step: 1, reward: -0.5 });
    expect(metrics.some((row) => 'kl' in row || 'loss' in row)).toBe(false);
  });

  it('is opened beside files that are none of TRL’s', async () => {
    const foreign = ['notes.jsonl', 'a.parquet', 'completions/b.parquet', 'checkpoint-best/x.json'];
    const files = await filesIn('adapter', 'out/');
    const all = new Map([
      ...foreign.map((path) => [`out/${path}`, blobSource(path, new Blob(['{']))] as const),
      ...files,
    ]);
    const { metrics } = (await openReturned(all))!;
    expect(metrics).toEqual((await openReturned(files))!.metrics);
  });
});

describe('the policy in an output of TRL', () => {
  it('is the last checkpoint, where training did not end, with the tokenizer as TRL left it', async () => {
    const path = join(home, 'stopped');
    for (const name of ['checkpoint-2', 'checkpoint-10', 'checkpoint-11']) {
      const to = join(path, name);
      await cp(join(OUTPUT, 'conversations', 'checkpoint-2'), to, { recursive: true });
      for (const file of ['tokenizer.json', 'tokenizer_config.json'])
        await cp(join(OUTPUT, 'handed-over', file), join(to, file));
      // The last one was being written.
      if (name !== 'checkpoint-11')
        await cp('public/models/trained/model.safetensors', join(to, 'model.safetensors'));
    }
    expect((await findPolicy(path)).path).toBe(join(path, 'checkpoint-10'));
    const { base, tokenizer } = await openAt(path);
    expect(base.name).toBe(join(path, 'checkpoint-10'));
    const template = await (await tokenizer.open('chat_template.jinja'))!.read();
    expect(new TextDecoder().decode(template)).toMatch(/^\{# changed #\}/);
    const turns = [{ role: 'user', content: 'menu ham 9' }] as const;
    const ours = await Tokenizer.load(tokenizer);
    expect(ours.applyChatTemplate(turns, { addGenerationPrompt: true })).toBe('menu ham 9 <think>');
  });

  it('is the last checkpoint of which every shard is there', async () => {
    const path = join(home, 'shards');
    const index = {
      metadata: {},
      weight_map: { a: 'model-1-of-2.safetensors', b: 'model-2-of-2.safetensors' },
    };
    for (const [step, shards] of [
      [2, 2],
      [3, 1],
    ] as const) {
      const to = join(path, `checkpoint-${step}`);
      await cp(join(OUTPUT, 'conversations', 'checkpoint-2'), to, { recursive: true });
      await writeFile(join(to, 'model.safetensors.index.json'), JSON.stringify(index));
      for (let i = 1; i <= shards; i++)
        await writeFile(join(to, `model-${i}-of-2.safetensors`), 'x');
      // No weights, though they end in .bin.
      await writeFile(join(to, 'training_args.bin'), 'x');
    }
    expect((await findPolicy(path)).path).toBe(join(path, 'checkpoint-2'));
  });

  it('is an adapter, whose base may lie beside the output', async () => {
    const folder = join(home, 'handover');
    await cp(join(OUTPUT, 'adapter'), join(folder, 'output'), { recursive: true });
    await cp('public/models/policy', join(folder, 'policy'), { recursive: true });
    const { base, adapter } = await openAt(join(folder, 'output'));
    expect(adapter!.config).toMatchObject({ r: 1, targets: ['q_proj'] });
    expect(base.name).toBe(join(folder, 'policy'));
  });

  it('is judged as the run that was handed over', async () => {
    const { of } = await findPolicy(join(OUTPUT, 'handed-over'));
    expect(of!.recipe.reward_model_name_or_path).toBe('public/models/reward');
    expect((await findPolicy(join(OUTPUT, 'adapter'))).of).toBeUndefined();
  });

  it('is no run that could be handed over again', async () => {
    const path = join(OUTPUT, 'handed-over');
    const refused = exporting.run([path, '--to', 'trl', '--out', join(home, 'again')], true);
    await expect(refused).rejects.toThrow(/handed-over is no run of Ponder/);
  });

  it('is analyzed as far as its metrics go, with a word on what is missing', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const tables = JSON.parse(await analyze.run([join(OUTPUT, 'adapter')], true)) as object;
    expect(said.mock.calls.join()).toContain(`From TRL. ${NO_NUMBERS}`);
    said.mockRestore();
    expect(Object.keys(tables)).toEqual(['lengths', 'reward_and_gold', 'alarm']);
    const path = join(OUTPUT, 'adapter');
    const refused = analyze.run([path, '--thought_prompts', '2'], true);
    await expect(refused).rejects.toThrow(/came without the recipe of the run/);
  });
});

it('a run of Ponder is no output of another trainer', async () => {
  const run = join(home, 'ours', 'checkpoints', 'step-2');
  await mkdir(run, { recursive: true });
  await writeFile(join(run, 'trainer_state.json'), '{"global_step":2,"log_history":[]}');
  expect(await readReturned(join(home, 'ours'))).toBeUndefined();
  expect(await readReturned(run)).toBeUndefined();
  expect(await readReturned('public/models/policy')).toBeUndefined();
});
