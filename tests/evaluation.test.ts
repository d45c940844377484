/** Evaluations inside a run: at fixed steps, on fixed prompts, by judges that training does not see. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { analyze } from '../src/cli/analyze.ts';
import type { Command } from '../src/cli/command.ts';
import { compare } from '../src/cli/compare.ts';
import { evaluation } from '../src/cli/eval.ts';
import { openAt } from '../src/cli/open.ts';
import { train } from '../src/cli/train.ts';
import type { Gpu } from '../src/gpu/device.ts';
import { openNodeGpu } from '../src/gpu/node.ts';
import { loadModel } from '../src/model/checkpoint.ts';
import { nodeFolder } from '../src/model/node-files.ts';
import { Tokenizer } from '../src/model/tokenizer.ts';
import type { Evaluated } from '../src/rl/evaluate.ts';
import type { Comparison } from '../src/rl/evaluation/compare.ts';
import { thoughtEffect, thoughtTokens } from '../src/rl/evaluation/thought-effect.ts';
import type { MetricsRow } from '../src/rl/protocol.ts';
import { makeRecipe, recipeYaml } from '../src/rl/recipe.ts';
import { recordRun } from '../src/rl/record.ts';
import type { GoldJudge } from '../src/rl/reward.ts';
import { Run } from '../src/rl/run.ts';
import { nodeRunFolder } from '../src/rl/run-folder.node.ts';
import { openRewardModel, openTrainer } from '../src/rl/session.ts';
import { sampleCompletions, UNFILTERED } from '../src/rl/sample.ts';
import { worldEvaluation } from '../src/rl/sources.ts';
import { VOCABULARY } from '../src/rl/world/menu.ts';
import { splitOf } from '../src/rl/world/prompts.ts';
import { asReward, CONFIGS, randomTensors, saveModel } from './random-model.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };

let root: string;
let gpu: Gpu;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  gpu = await openNodeGpu();
  await saveModel(join(root, 'policy'), config, randomTensors(config, 1));
  for (const [name, seed] of Object.entries({ reward: 2, other: 3 })) {
    await saveModel(join(root, name), asReward(config), randomTensors(asReward(config), seed));
  }
});
afterAll(async () => {
  gpu.close();
  await rm(root, { recursive: true });
});

async function openRun(out: string, values: Record<string, unknown> = {}): Promise<Run> {
  const recipe = makeRecipe({
    algorithm: 'grpo',
    seed: 4,
    model_name_or_path: join(root, 'policy'),
    reward_model_name_or_path: join(root, 'reward'),
    world: 'meal-planner',
    gold: join(root, 'other'),
    per_device_train_batch_size: 4,
    num_generations: 2,
    max_prompt_length: 24,
    max_completion_length: 6,
    learning_rate: 1e-2,
    max_steps: 3,
    save_steps: 1,
    eval_strategy: 'steps',
    eval_steps: 2,
    eval_num_prompts: 9,
    ...values,
  });
  const { trainer, tokenizerFiles } = await openTrainer(recipe, {
    gpu,
    folder: nodeFolder,
    readFile: (path) => readFile(path, 'utf8'),
    openReward: async (path) => openRewardModel(gpu, await openAt(path)),
  });
  return new Run(recipe, trainer, nodeRunFolder(join(root, out)), tokenizerFiles);
}

async function lines<T>(out: string, file: string): Promise<T[]> {
  const text = await readFile(join(root, out, file), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

/** A model whose words include Yes and No. */
async function yesOrNoJudge(): Promise<string> {
  const folder = join(root, 'asked-judge');
  await saveModel(folder, config, randomTensors(config, 5));
  const words = await readFile(join(folder, 'tokenizer.json'), 'utf8');
  const renamed = words.replaceAll('"hello"', '"Yes"').replaceAll('"enjoy"', '"No"');
  await writeFile(join(folder, 'tokenizer.json'), renamed);
  return folder;
}

/** A policy whose template has a place for a system turn. */
async function systemReader(): Promise<string> {
  const folder = join(root, 'system-reader');
  await cp(join(root, 'policy'), folder, { recursive: true });
  const file = join(folder, 'tokenizer_config.json');
  const text = await readFile(file, 'utf8');
  const branch = "{%- elif message.role == 'assistant' -%}";
  const system = `{%- elif message.role == 'system' -%}{{ message.content + ' ' }}${branch}`;
  expect(text).toContain(branch);
  await writeFile(file, text.replace(branch, system));
  return folder;
}

async function finish(run: Run): Promise<void> {
  while (!run.finished) await run.advance();
  run.trainer.destroy();
}

const timeless = (rows: readonly MetricsRow[]): MetricsRow[] =>
  rows.map((row) => ('step_time' in row ? { ...row, step_time: 0 } : row));

it('what the thought contributes: after its own thought a policy answers as it did', async () => {
  const folder = await nodeFolder('public/models/policy');
  const model = await loadModel(gpu, folder);
  const tokenizer = await Tokenizer.load(folder);
  const { prompts, gold } = worldEvaluation('dev', 12, 1);
  // The likeliest token each time: nothing is left to chance.
  const sampling = { temperature: 0, ...UNFILTERED, seed: 1, maxNewTokens: 76 };
  const groups = await sampleCompletions(model, tokenizer, prompts, {
    samplesPerPrompt: 1,
    thinking: true,
    malformed: 'strict',
    sampling,
  });
  const thoughts = thoughtTokens(tokenizer, groups, groups);
  expect(thoughts.length).toBeGreaterThan(6);
  const seen: string[][] = [];
  const spy: GoldJudge = {
    score: (texts) => {
      seen.push(texts.map(({ response }) => response));
      return gold.score(texts);
    },
  };
  const policy = { model, tokenizer };
  const effect = await thoughtEffect(policy, thoughts, sampling, 'strict', { gold: spy });
  const answers = groups.flatMap(({ samples: [sample] }) =>
    sample!.wellFormed ? [sample!.response] : [],
  );
  expect(seen[0]).toEqual(answers);
  const [own, swapped] = effect;
  expect(own!.scores.gold!.mean).toBeGreaterThan(swapped!.scores.gold!.mean);
  const lost = own!.scores.gold!.mean - swapped!.scores.gold!.mean;
  expect(swapped!.loss!.gold!.mean).toBeCloseTo(lost, 9);
});

describe('eval_strategy: steps', () => {
  it('judges the same prompts before, during and after training', async () => {
    const run = await openRun('judged');
    await run.begin();
    await finish(run);
    const rows = await lines<MetricsRow>('judged', 'metrics.jsonl');
    expect(rows.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
    expect(rows.map((row) => 'eval_reward' in row)).toEqual([true, false, true, true]);
    const [start, end] = await Promise.all(
      [0, 3].map((step) => lines<Evaluated>('judged', `evaluations/step-${step}.jsonl`)),
    );
    expect(start!.length).toBe(9);
    expect(end!.map(({ prompt }) => prompt)).toEqual(start!.map(({ prompt }) => prompt));
    expect(new Set(start!.map(({ prompt }) => splitOf(prompt)))).toEqual(new Set(['dev']));
    const average = (key: 'reward' | 'gold') => start!.reduce((sum, row) => sum + row[key]!, 0) / 9;
    expect(rows[0]!.eval_reward).toBeCloseTo(average('reward'), 10);
    expect(rows[0]!.eval_gold).toBeCloseTo(average('gold'), 10);
    // The gold judge is another reward model than the one that is trained against.
    expect(rows[0]!.eval_gold).not.toBeCloseTo(rows[0]!.eval_reward!, 3);
    expect(rows[1]!.gold).not.toBeCloseTo(rows[1]!.reward!, 3);
    expect(rows[3]!.eval_reward).not.toBe(rows[0]!.eval_reward);

    const summary = JSON.parse(await readFile(join(root, 'judged', 'summary.json'), 'utf8')) as {
      diverged_at: number | null;
    };
    expect(summary.diverged_at).toBe(null);
    const { steps } = await recordRun(nodeRunFolder(join(root, 'judged')), 'judged');
    expect(steps.map(({ evaluation }) => evaluation?.length)).toEqual([8, undefined, 8, 8]);
    expect(steps[0]!.evaluation![0]!.prompt).toBe(start![0]!.prompt);
  });

  it('changes nothing of the training, and a resumed run repeats it', async () => {
    const plain = await openRun('plain', { eval_strategy: 'no' });
    await plain.begin();
    await finish(plain);
    const without = timeless(await lines<MetricsRow>('plain', 'metrics.jsonl'));
    const judged = timeless(await lines<MetricsRow>('judged', 'metrics.jsonl'));
    expect(judged.slice(1).map((row) => row.reward)).toEqual(without.map((row) => row.reward));

    const first = await openRun('resumed');
    await first.begin();
    await first.advance();
    first.trainer.destroy();
    const again = await openRun('resumed');
    expect(await again.resume()).toBe(true);
    await finish(again);
    expect(timeless(await lines<MetricsRow>('resumed', 'metrics.jsonl'))).toEqual(judged);

    // Ended after its last checkpoint and before its summary: all that is left to do is the summary.
    const summary = join(root, 'resumed', 'summary.json');
    await rm(summary);
    const late = await openRun('resumed');
    expect(await late.resume()).toBe(true);
    late.trainer.destroy();
    expect(JSON.parse(await readFile(summary, 'utf8'))).toMatchObject({ steps: 3 });
  });

  it('takes the rows of split test, and refuses when there are none', async () => {
    const file = (name: string): string => join(root, `${name}.jsonl`);
    await writeFile(file('train'), '{"prompt": "ham 1"}\n');
    await writeFile(file('test'), '{"prompt": "tart 2"}\n');
    const datasets = (...splits: string[]) => ({
      world: null,
      datasets: splits.map((split) => ({ path: 'json', data_files: file(split), split })),
    });
    const run = await openRun('files', { ...datasets('train', 'test'), max_steps: 1 });
    await run.begin();
    await finish(run);
    const judged = await lines<Evaluated>('files', 'evaluations/step-0.jsonl');
    expect(judged.map(({ prompt }) => prompt)).toEqual(['tart 2']);
    const trained = await lines<{ prompt: string }>('files', 'completions/step-1.jsonl');
    expect(new Set(trained.map(({ prompt }) => prompt))).toEqual(new Set(['ham 1']));
    await expect(openRun('none', datasets('train'))).rejects.toThrow(/split: test/);
  });
});

describe('the command line', () => {
  const json = async (command: Command, ...argv: string[]): Promise<Record<string, unknown>> =>
    JSON.parse(await command.run(argv, true)) as Record<string, unknown>;
  const few = ['--num_prompts', '8', '--max_completion_length', '20'];

  it('compares two checkpoints by every judge', async () => {
    const judges = ['--reward_models', `public/models/reward,${join(root, 'other')}`];
    const models = ['public/models/policy', join(root, 'policy')];
    const result = await json(compare, ...models, ...few, ...judges);
    const rows = result.judges as Comparison[];
    expect(rows.map(({ judge }) => judge)).toEqual(['reward', 'other', 'gold']);
    // The default policy against one of random weights.
    expect(rows[2]!.win_rate.mean).toBeGreaterThan(0.6);
  });

  it('says where a comparison could not control for length', async () => {
    // One pair of answers tells nothing of what length does.
    const one = ['public/models/policy', join(root, 'policy'), ...few, '--num_prompts', '1'];
    const { judges } = await json(compare, ...one);
    const [gold] = judges as Comparison[];
    expect(gold!.lc_win_rate).toEqual({ ...gold!.win_rate, controlled: false });
    expect(gold!.style_controlled_win_rate.controlled).toBe(false);
    const text = await compare.run(one, false);
    expect(text).toMatch(/^gold .* \d+ \[\d+, \d+\]%\* .*%\* /m);
    expect(text).toMatch(/^\* the raw win rate: length, or style, differs by about as much/m);
    expect(await compare.run([one[0]!, one[0]!, ...one.slice(2)], false)).not.toContain('*');
  });

  it('evaluates on a file of prompts with instructions', async () => {
    const file = join(root, 'ifeval.jsonl');
    const ids = ['punctuation:no_comma', 'language:response_language'];
    await writeFile(
      file,
      `${JSON.stringify({ prompt: 'ham 1', instruction_id_list: ids, kwargs: [{}, {}], answer: 'x' })}\n`,
    );
    const model = ['--model', 'public/models/policy'];
    const result = await json(evaluation, ...model, '--prompts', file, ...few);
    expect(result).toMatchObject({
      prompts: 1,
      'instructions/punctuation:no_comma': 1,
      'instructions/not judged': 'language:response_language (1)',
      exact_match: 0,
    });
    expect(result).not.toHaveProperty('gold');
  });

  /** What a command says on standard error. */
  async function told(command: Command, ...argv: string[]): Promise<string> {
    const spy = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await command.run(argv, true);
    const text = spy.mock.calls.map(([line]) => String(line)).join('');
    spy.mockRestore();
    return text;
  }

  it('asks a checkpoint of a run as the run did, and says so', async () => {
    const values = {
      ...{ model_name_or_path: await systemReader() },
      ...{ thinking: false, system_prompt: 'tart', temperature: 0.5, top_k: 1 },
    };
    const run = await openRun('asked', { ...values, eval_strategy: 'no', max_steps: 1 });
    await run.begin();
    await finish(run);
    const checkpoint = join(root, 'asked', 'checkpoints', 'step-1');
    const sampled = ['--num_prompts', '4'];
    const out = (name: string) => ['--out', join(root, `${name}.jsonl`)];
    const line = await told(evaluation, '--model', join(root, 'asked'), ...sampled, ...out('run'));
    expect(line).toBe(
      `${checkpoint} is asked as in the run ${join(root, 'asked')}: thinking false, ` +
        'system_prompt "tart", malformed "lenient", temperature 0.5, top_p 1, top_k 1, min_p 0, ' +
        'max_completion_length 6\n',
    );
    // The same model outside of its run, asked the same way by hand.
    await cp(checkpoint, join(root, 'moved'), { recursive: true });
    const moved = ['--model', join(root, 'moved'), ...sampled];
    const byHand = ['--thinking', 'false', '--system_prompt', 'tart', '--top_k', '1'];
    const length = ['--max_completion_length', '6'];
    expect(await told(evaluation, ...moved, ...byHand, ...length, ...out('hand'))).toBe('');
    const bare = byHand.filter((word) => word !== '--system_prompt' && word !== 'tart');
    await json(evaluation, ...moved, ...bare, ...length, ...out('bare'));
    const [asRun, asHand, asBare] = await Promise.all(
      ['run', 'hand', 'bare'].map((name) => readFile(join(root, `${name}.jsonl`), 'utf8')),
    );
    expect(asHand).toBe(asRun);
    expect(asBare).not.toBe(asRun);
    // What is given wins over the run.
    const given = ['--top_k', '0', '--max_completion_length', '5'];
    const rest = await told(
      evaluation,
      '--model',
      checkpoint,
      ...given,
      ...sampled,
      ...out('over'),
    );
    expect(rest).not.toMatch(/top_k|max_completion_length/);
    for (const { tokens } of await lines<Evaluated>('.', 'over.jsonl')) {
      expect(tokens).toBeLessThanOrEqual(5);
    }
  });

  it('compares with a baseline of no run as the run is asked', async () => {
    const models = [join(root, 'asked'), join(root, 'policy')];
    const text = await told(compare, ...models, '--num_prompts', '4', '--baseline_thinking');
    const [own, other] = text.trim().split('\n');
    expect(own).toMatch(/step-1 is asked as in the run .*: thinking false, system_prompt "tart", /);
    expect(other).toMatch(/policy is asked as in the run .*: system_prompt "tart", malformed /);
  });

  it('asks a judge what it is told to, and needs to know the judge', async () => {
    const model = ['--model', join(root, 'policy'), ...few];
    const judge = ['--judge', await yesOrNoJudge()];
    const question = ['--judge_prompt', '{response} ham or tart'];
    const usual = await json(evaluation, ...model, ...judge);
    const polite = await json(evaluation, ...model, ...judge, ...question);
    expect(polite['rewards/asked-judge']).not.toBe(usual['rewards/asked-judge']);
    await expect(json(evaluation, ...model, ...question)).rejects.toThrow(/name the judge with/);
  });

  it('analyzes a run, and writes its tables', async () => {
    const out = join(root, 'tables');
    const result = await json(analyze, join(root, 'judged'), '--out', out);
    expect(Object.keys(result)).toEqual(['lengths', 'reward_and_gold', 'cost', 'traits']);
    expect(result.cost).toMatchObject([{ steps: 3 }]);
    const cost = await readFile(join(out, 'cost.csv'), 'utf8');
    expect(cost).toMatch(/^steps,seconds,trained_tokens,generated_tokens\n3,/);
    expect(await analyze.run([join(root, 'judged')], false)).toContain('diverged_at');
    await expect(json(analyze, join(root, 'nowhere'))).rejects.toThrow(/is not there/);
    await expect(json(analyze, join(root, 'policy'))).rejects.toThrow(/no metrics.jsonl/);
  });

  describe('thoughts are judged', () => {
    const file = (name: string): string => join(root, name);
    const run = (name: string, ...more: string[]) =>
      json(analyze, file(name), '--thought_prompts', '6', ...more);
    const rows = (bonus: number, from: number): string =>
      worldEvaluation('dev', 6, from)
        .prompts.map((prompt) => `${JSON.stringify({ prompt, bonus })}\n`)
        .join('');
    const split = (name: string) => ({
      path: 'json',
      data_files: file(`${name}-bonus.jsonl`),
      split: name,
    });
    const recipe = (values: Record<string, unknown>): string =>
      recipeYaml(
        makeRecipe({
          model_name_or_path: 'public/models/policy',
          ...{ max_steps: 1, max_completion_length: 76, max_prompt_length: 24, thinking: true },
          ...{ per_device_train_batch_size: 2, num_generations: 2, reward_weights: [2] },
          ...{ reward_funcs: file('bonus.js'), datasets: [split('train'), split('test')] },
          ...values,
        }),
      );
    /** The run with another recipe. */
    async function retold(name: string, yaml: string): Promise<void> {
      await cp(file('thoughtful'), file(name), { recursive: true });
      await writeFile(join(file(name), 'recipe.yaml'), yaml);
    }

    beforeAll(async () => {
      await writeFile(file('bonus.js'), 'export default (prompt, response, row) => row.bonus');
      await writeFile(file('train-bonus.jsonl'), rows(1, 1));
      await writeFile(file('test-bonus.jsonl'), rows(3, 2));
      await writeFile(file('thoughtful.yaml'), recipe({}));
      await train.run([file('thoughtful.yaml'), '--out', file('thoughtful')], true);
    });

    it('on what the run held out, by what it was trained against', async () => {
      const { thought_effect: effect } = await run('thoughtful');
      const judged = effect as Record<string, string | number>[];
      expect(judged.map(({ judge, thought }) => `${judge} ${thought}`)).toEqual([
        ...['reward own', 'reward swapped', 'reward truncated', 'reward removed'],
      ]);
      for (const { score, prompts } of judged) {
        expect(score).toBe(6);
        expect(prompts).toBeGreaterThan(1);
      }
    });

    it('by the judges that are named in place of its own', async () => {
      const judges = ['--reward_models', file('other'), '--judge', await yesOrNoJudge()];
      const { thought_effect: effect } = await run('thoughtful', ...judges);
      const names = (effect as { judge: string }[]).map(({ judge }) => judge);
      expect([...new Set(names)]).toEqual(['other', 'asked-judge']);
    });

    it('by gold as well in a world', async () => {
      const reward = { reward_funcs: [], reward_model_name_or_path: file('reward') };
      await retold('worldly', recipe({ ...reward, world: 'meal-planner', datasets: [] }));
      const { thought_effect: effect } = await run('worldly');
      const names = (effect as { judge: string }[]).map(({ judge }) => judge);
      expect([...new Set(names)]).toEqual(['reward', 'gold']);
    });

    it('or refused where there is nothing to ask or to judge by', async () => {
      await retold('unheld', recipe({ datasets: [split('train')] }));
      await expect(run('unheld')).rejects.toThrow(/held no prompts out .* name a file of prompts/);
      const sft = { algorithm: 'sft', datasets: [split('train'), split('test')] };
      const model = { model_name_or_path: 'public/models/policy' };
      await retold('unjudged', recipeYaml(makeRecipe({ ...sft, ...model })));
      await expect(run('unjudged')).rejects.toThrow(/against no reward; name what judges with/);
      const prompts = ['--prompts', file('test-bonus.jsonl')];
      await expect(run('unjudged', ...prompts)).rejects.toThrow(/against no reward/);
      await retold('thoughtless', recipe({ thinking: false }));
      await expect(run('thoughtless')).rejects.toThrow(/has no thoughts; leave --thought_prompts/);
    });
  });
});
