/** eval, compare and analyze ask and judge a checkpoint as its run did. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { accuracy } from '../../src/cli/accuracy.ts';
import { analyze } from '../../src/cli/analyze.ts';
import type { Command } from '../../src/cli/command.ts';
import { compare } from '../../src/cli/compare.ts';
import { evaluation } from '../../src/cli/eval.ts';
import { logits } from '../../src/cli/logits.ts';
import { train } from '../../src/cli/train.ts';
import type { Evaluated } from '../../src/rl/evaluation/evaluate.ts';
import type { Comparison } from '../../src/rl/evaluation/compare.ts';
import { jsonLines } from '../../src/rl/data/json-lines.ts';
import { makeRecipe, recipeYaml } from '../../src/rl/recipe/recipe.ts';
import { worldEvaluation } from '../../src/rl/world/judging.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { asReward, CONFIGS, randomTensors, saveModel } from '../random-model.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(join(root, 'policy'), config, randomTensors(config, 1));
  for (const [name, seed] of Object.entries({ reward: 2, other: 3 })) {
    await saveModel(join(root, name), asReward(config), randomTensors(asReward(config), seed));
  }
});
afterAll(() => rm(root, { recursive: true }));

/** A recipe of one step, unless `values` set another number. */
const runRecipe = (values: Record<string, unknown>): string =>
  recipeYaml(
    makeRecipe({
      ...{ model_name_or_path: join(root, 'policy'), world: 'meal-planner', max_steps: 1 },
      ...{ per_device_train_batch_size: 4, num_generations: 2, max_prompt_length: 24 },
      ...{ reward_model_name_or_path: join(root, 'reward'), max_completion_length: 6 },
      ...values,
    }),
  );

async function trainRun(name: string, values: Record<string, unknown>): Promise<void> {
  const file = join(root, `${name}.yaml`);
  await writeFile(file, runRecipe(values));
  await train.run([file, '--out', join(root, name)], true);
}

/** A model whose vocabulary includes Yes and No. */
async function yesOrNoJudge(): Promise<string> {
  const folder = join(root, 'asked-judge');
  await saveModel(folder, config, randomTensors(config, 5));
  const words = await readFile(join(folder, 'tokenizer.json'), 'utf8');
  const renamed = words.replaceAll('"hello"', '"Yes"').replaceAll('"enjoy"', '"No"');
  await writeFile(join(folder, 'tokenizer.json'), renamed);
  return folder;
}

/** A policy whose template accepts a system message. */
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

const json = async (command: Command, ...argv: string[]): Promise<Record<string, unknown>> =>
  JSON.parse(await command.run(argv, true)) as Record<string, unknown>;
const few = ['--num_prompts', '8', '--max_completion_length', '20'];

it('says how often reward models prefer what was preferred', async () => {
  const prompt =
    'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 9';
  const good = ['gratin 1 and sorbet 8 .', 'hello cleo ! gratin 1 then sorbet 8 . enjoy !'];
  const poor = ['ham 1 and ham 1 .', 'tart 7 then tart 7 .', 'pizza 7 and sorbet 8 .'];
  const rows = good.flatMap((chosen) => poor.map((rejected) => ({ prompt, chosen, rejected })));
  const file = join(root, 'pairs.jsonl');
  await writeFile(file, jsonLines(rows));
  const judges = ['--reward_models', 'public/models/reward'];
  const result = await json(accuracy, '--pairs', file, ...judges);
  const longer = rows.filter(({ chosen, rejected }) => chosen.length > rejected.length).length;
  expect(result).toMatchObject({
    'length alone': { mean: longer / 6, pairs: 6, prompts: 1 },
    reward: { mean: 1, low: 1, high: 1, pairs: 6, prompts: 1 },
  });
});

it.each([
  ['{"prompt":"p","chosen":"a"}', 'pairs.jsonl, line 1: no text field "rejected"'],
  ['', 'pairs.jsonl is empty; it must have one pair a line'],
])('refuses a file without pairs: %s', async (text, message) => {
  const file = join(root, 'pairs.jsonl');
  await writeFile(file, text);
  await expect(json(accuracy, '--pairs', file)).rejects.toThrow(message);
});

it('compares two checkpoints by every judge', async () => {
  const judges = ['--reward_models', `public/models/reward,${join(root, 'other')}`];
  const models = ['public/models/policy', join(root, 'policy')];
  const result = await json(compare, ...models, ...few, ...judges);
  const rows = result.judges as Comparison[];
  expect(rows.map(({ judge }) => judge)).toEqual(['reward', 'other', 'gold']);
  // The default policy against a policy with random weights.
  expect(rows[2]!.win_rate.mean).toBeGreaterThan(0.6);
  // A slight win now counts as a tie if the response is longer by more than one character.
  const strict = await json(compare, ...models, ...few, ...judges, '--length_margin', '1');
  expect((strict.judges as Comparison[])[2]!.score).not.toEqual(rows[2]!.score);
});

it('marks a win rate that could not be controlled for length', async () => {
  // One pair of answers does not show the effect of length.
  const [good, bad] = ['public/models/policy', join(root, 'policy')];
  const one = ['--num_prompts', '1', '--max_completion_length', '60'];
  const { judges } = await json(compare, good, bad, ...one);
  const [gold] = judges as Comparison[];
  expect(gold!.lc_win_rate).toEqual({ ...gold!.win_rate, controlled: false });
  expect(gold!.style_controlled_win_rate.controlled).toBe(false);
  const text = await compare.run([good, bad, ...one], false);
  expect(text).toMatch(/^gold .* \d+ \[\d+, \d+\]%\* .*%\* /m);
  expect(text).toMatch(/^\* the raw win rate: length or style differs by about the same amount/m);
  expect(await compare.run([good, good, ...one], false)).not.toContain('*');
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

/** What it returns, and what it prints on standard error. */
async function printed<T>(run: () => Promise<T>): Promise<[T, string]> {
  const spy = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const result = await run();
    return [result, spy.mock.calls.map(([line]) => String(line)).join('')];
  } finally {
    spy.mockRestore();
  }
}

/** What a command prints on standard error. */
const told = async (command: Command, ...argv: string[]): Promise<string> =>
  (await printed(() => command.run(argv, true)))[1];

it('takes a run for its last checkpoint on the command line, and refuses one in a recipe', async () => {
  await trainRun('gone-on', { max_steps: 2, save_steps: 1 });
  const [run, last] = [join(root, 'gone-on'), join(root, 'gone-on', 'checkpoints', 'step-2')];
  const asked = (model: string) => json(logits, '--model', model, '--ids', '3,4');
  expect(await asked(run)).toEqual(await asked(last));
  // In a recipe it would be another model when the run has gone on.
  await expect(trainRun('on-run', { model_name_or_path: run })).rejects.toThrow(
    `${run} is a run, not a model; name its checkpoint ${last}`,
  );
});

it('asks a checkpoint of a run as the run did, and prints the settings', async () => {
  const values = {
    ...{ model_name_or_path: await systemReader() },
    ...{ thinking: false, system_prompt: 'tart', temperature: 0.5, top_k: 1 },
  };
  await trainRun('asked', values);
  const checkpoint = join(root, 'asked', 'checkpoints', 'step-1');
  const sampled = ['--num_prompts', '4'];
  const out = (name: string) => ['--out', join(root, `${name}.jsonl`)];
  const line = await told(evaluation, '--model', join(root, 'asked'), ...sampled, ...out('run'));
  expect(line).toBe(
    `${checkpoint} is asked as in the run ${join(root, 'asked')}: thinking false, ` +
      'system_prompt "tart", malformed "lenient", temperature 0.5, top_p 1, top_k 1, min_p 0, ' +
      'max_completion_length 6, max_thought_length 0\n',
  );
  // The same model outside its run, with the same settings and the run's reward given as options.
  await cp(checkpoint, join(root, 'moved'), { recursive: true });
  const judge = ['--reward_models', join(root, 'reward')];
  const moved = ['--model', join(root, 'moved'), ...judge, ...sampled];
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
  // Options take precedence over the run.
  const given = ['--top_k', '0', '--max_completion_length', '5'];
  const rest = await told(evaluation, '--model', checkpoint, ...given, ...sampled, ...out('over'));
  expect(rest).not.toMatch(/top_k|max_completion_length/);
  const rows = (await readFile(join(root, 'over.jsonl'), 'utf8')).trim().split('\n');
  const tokens = rows.map((row) => (JSON.parse(row) as Evaluated).tokens);
  expect(Math.max(...tokens.map(Number))).toBe(5);
});

it('asks a baseline outside a run with the settings of the run', async () => {
  const models = [join(root, 'asked'), join(root, 'policy')];
  const text = await told(compare, ...models, '--num_prompts', '4', '--baseline_thinking');
  const [own, other] = text.trim().split('\n');
  expect(own).toMatch(/step-1 is asked as in the run .*: thinking false, system_prompt "tart", /);
  expect(other).toMatch(/policy is asked as in the run .*: system_prompt "tart", malformed /);
});

it('finds the base of an adapter in the folder of --base', async () => {
  await trainRun('adapted', { use_peft: true });
  const adapter = join(root, 'adapter');
  await cp(join(root, 'adapted', 'checkpoints', 'step-1'), adapter, { recursive: true });
  const file = join(adapter, 'adapter_config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...config, base_model_name_or_path: 'gone' }));
  const models = [adapter, adapter, ...few];
  const [base, other] = ['--base', '--baseline_base'].map((name) => [name, join(root, 'policy')]);
  await expect(json(compare, ...models)).rejects.toThrow(/gone, which cannot be opened/);
  await expect(json(compare, ...models, ...other!)).rejects.toThrow(/cannot be opened/);
  expect(await json(compare, ...models, ...base!)).toMatchObject({ prompts: 8 });
});

it('asks a judge the question of --judge_prompt, which needs --judge', async () => {
  const model = ['--model', join(root, 'policy'), ...few];
  const judge = ['--judge', await yesOrNoJudge()];
  const question = ['--judge_prompt', '{response} ham or tart'];
  const usual = await json(evaluation, ...model, ...judge);
  const polite = await json(evaluation, ...model, ...judge, ...question);
  expect(polite['rewards/asked-judge']).not.toBe(usual['rewards/asked-judge']);
  await expect(json(evaluation, ...model, ...question)).rejects.toThrow(
    /name its folder with --judge/,
  );
});

it('analyzes a run, and writes its tables', async () => {
  const evaluated = { eval_strategy: 'steps', eval_steps: 2, eval_num_prompts: 9, max_steps: 3 };
  await trainRun('judged', { ...evaluated, gold: join(root, 'other') });
  const out = join(root, 'tables');
  const result = await json(analyze, join(root, 'judged'), '--out', out);
  const tables = ['lengths', 'reward_and_gold', 'alarm', 'cost', 'traits'];
  expect(Object.keys(result)).toEqual(tables);
  expect(result.cost).toMatchObject([{ steps: 3 }]);
  const cost = await readFile(join(out, 'cost.csv'), 'utf8');
  expect(cost).toMatch(/^steps,seconds,trained_tokens,generated_tokens\n3,/);
  expect(await analyze.run([join(root, 'judged')], false)).toContain('diverged_at');
  await expect(json(analyze, join(root, 'nowhere'))).rejects.toThrow(
    /nowhere does not exist; name/,
  );
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
  /** A run with a rule for a reward, on the rows of a file. */
  const byRule = () => ({
    ...{ model_name_or_path: 'public/models/policy', max_completion_length: 76 },
    ...{ reward_model_name_or_path: null, reward_funcs: [file('bonus.js')], reward_weights: [2] },
    ...{ world: null, datasets: [split('train'), split('test')] },
  });
  /** The same checkpoint, with another recipe beside it. */
  async function retold(name: string, recipe: string): Promise<void> {
    await cp(file('thoughtful'), file(name), { recursive: true });
    await writeFile(join(file(name), 'recipe.yaml'), recipe);
  }

  beforeAll(async () => {
    await writeFile(file('bonus.js'), 'export default (prompt, response, row) => row.bonus');
    await writeFile(file('train-bonus.jsonl'), rows(1, 1));
    await writeFile(file('test-bonus.jsonl'), rows(3, 2));
    await trainRun('thoughtful', byRule());
  });

  it('on the held-out prompts of the run, by its rewards', async () => {
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

  it('by the named judges in place of its rewards', async () => {
    const judges = ['--reward_models', file('other'), '--judge', await yesOrNoJudge()];
    const { thought_effect: effect } = await run('thoughtful', ...judges);
    const names = (effect as { judge: string }[]).map(({ judge }) => judge);
    expect([...new Set(names)]).toEqual(['other', 'asked-judge']);
  });

  it('by gold too if the run has a world', async () => {
    const { model_name_or_path, max_completion_length } = byRule();
    await retold('worldly', runRecipe({ model_name_or_path, max_completion_length }));
    const { thought_effect: effect } = await run('worldly');
    const names = (effect as { judge: string }[]).map(({ judge }) => judge);
    expect([...new Set(names)]).toEqual(['reward', 'gold']);
  });

  describe('as eval and compare judge', () => {
    const told = (name: string, ...more: string[]) =>
      printed(() => json(evaluation, '--model', file(name), ...few, ...more));
    const rewardsIn = (result: object): string[] =>
      Object.keys(result).filter((key) => /^(rewards\/|gold)/.test(key));

    it('by the rewards of the run, or by those of --reward_models', async () => {
      const [own] = await told('thoughtful');
      expect(own).toMatchObject({ prompts: 6, 'rewards/reward': 6 });
      const [named] = await told('thoughtful', '--reward_models', file('other'));
      expect(rewardsIn(named)).toEqual(['rewards/other']);
      const [both] = await told('thoughtful', '--judge', await yesOrNoJudge());
      expect(rewardsIn(both)).toEqual(['rewards/reward', 'rewards/asked-judge']);
      await cp(file('asked-judge'), join(root, 'second', 'reward'), { recursive: true });
      await expect(told('thoughtful', '--judge', join(root, 'second', 'reward'))).rejects.toThrow(
        'two judges are called reward; rename the folder of one',
      );
    });

    it('by its gold judge, and compare too', async () => {
      await retold('with-gold', runRecipe({ ...byRule(), gold: file('other') }));
      const [result] = await told('with-gold');
      expect(rewardsIn(result)).toEqual(['rewards/reward', 'gold']);
      const models = [file('policy'), file('with-gold')];
      const { judges } = await json(compare, ...models, ...few);
      expect((judges as Comparison[]).map(({ judge }) => judge)).toEqual(['reward', 'gold']);
    });

    it('but not by what cannot be opened any more, or cannot judge other prompts', async () => {
      const gone = { gold: file('gone'), reward_funcs: [file('gone.js')] };
      await retold('bereft', runRecipe({ ...byRule(), ...gone }));
      const [result, lines] = await told('bereft');
      expect(rewardsIn(result)).toEqual([]);
      expect(lines).toMatch(
        /^The reward of .*bereft does not judge: .*gone\.js cannot be read; .*$/m,
      );
      expect(lines).toMatch(
        /^The gold judge of .*bereft does not judge: .*gone does not exist; .*$/m,
      );
      // The first row has the column of the rule.
      const [first] = (await readFile(file('test-bonus.jsonl'), 'utf8')).split('\n');
      await writeFile(file('others.jsonl'), `${first!}\n{"prompt": "menu ham 5"}\n`);
      const [elsewhere, line] = await told('thoughtful', '--prompts', file('others.jsonl'));
      expect(rewardsIn(elsewhere)).toEqual([]);
      expect(line).toMatch(
        /^The reward of .*thoughtful does not judge: rule bonus returned undef.*$/m,
      );
    });
  });

  it('or refused if there are no prompts, no judges or no thoughts', async () => {
    await retold('unheld', runRecipe({ ...byRule(), datasets: [split('train')] }));
    await expect(run('unheld')).rejects.toThrow(/no held-out prompts .* name a file of prompts/);
    const { model_name_or_path, datasets } = byRule();
    const sft = { algorithm: 'sft', model_name_or_path, datasets };
    await retold('unjudged', recipeYaml(makeRecipe(sft)));
    await expect(run('unjudged')).rejects.toThrow(/without a reward; name a judge with/);
    const prompts = ['--prompts', file('test-bonus.jsonl')];
    await expect(run('unjudged', ...prompts)).rejects.toThrow(/without a reward/);
    await retold('thoughtless', runRecipe({ ...byRule(), thinking: false }));
    await expect(run('thoughtless')).rejects.toThrow(/has no thoughts; leave --thought_prompts/);
  });
});

describe('eval without --prompts', () => {
  const own = async (recipe: string, model = 'policy'): Promise<string> => {
    const run = join(root, `run-of-${model}`);
    await cp(join(root, model), join(run, 'checkpoints', 'step-1'), { recursive: true });
    await writeFile(join(run, 'recipe.yaml'), recipe);
    return join(run, 'checkpoints', 'step-1');
  };
  const rows = async (model: string, ...more: string[]): Promise<Evaluated[]> => {
    const out = join(root, 'eval.jsonl');
    await evaluation.run(['--model', model, '--out', out, ...few, ...more], true);
    const lines = (await readFile(out, 'utf8')).trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Evaluated);
  };

  it('asks what is held out of the run, or says that nothing is', async () => {
    const files = { train: join(root, 'mine.jsonl'), test: join(root, 'mine.test.jsonl') };
    await writeFile(files.train, '{"prompt": "menu ham 3"}\n');
    await writeFile(files.test, '{"prompt": "menu ham 5", "answer": "ham"}\n');
    const dataset = (split: 'train' | 'test') => ({
      path: 'json',
      data_files: files[split],
      split,
    });
    const both = [dataset('train'), dataset('test')];
    const recipe = (datasets: unknown[]): string => runRecipe({ world: null, datasets });
    const asked = await rows(await own(recipe(both)));
    expect(asked.map(({ prompt }) => prompt)).toEqual(['menu ham 5']);
    const none = await own(recipe([dataset('train')]));
    await expect(rows(none)).rejects.toThrow(
      /run-of-policy has no held-out prompts \(no dataset of its recipe has split: test\); name a/,
    );
    // The world is asked where it is named.
    expect(await rows(none, '--world', 'meal-planner')).toHaveLength(8);
  });

  it('asks the world only a model that has its vocabulary', async () => {
    expect(await rows(join(root, 'policy'))).toHaveLength(8);
    const folder = join(root, 'stranger');
    await cp(join(root, 'policy'), folder, { recursive: true });
    const file = join(folder, 'tokenizer.json');
    const words = await readFile(file, 'utf8');
    await writeFile(file, words.replaceAll('"hello"', '"bonjour"'));
    await expect(rows(folder)).rejects.toThrow(
      /stranger is not a checkpoint of a run, so it has no held-out prompts; name a file with --prom/,
    );
  });
});
