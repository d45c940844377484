import { describe, expect, it } from 'vitest';
import { complete, refusal } from '../../../tests/complete-recipe.ts';
import { isFlag, recipeYaml, makeRecipe, parseRecipe } from './recipe.ts';
import { describeRange } from './check.ts';
import { readYaml } from './yaml-keys.ts';
import { recipeGroups, recipeKeys } from './keys.ts';
import type { RecipeKeySpec } from './spec.ts';

const refusalOf = (line: string, overrides = {}) =>
  refusal(() => parseRecipe(complete + line, 'my.yaml', overrides));

describe('a recipe', () => {
  it('accepts TRL keys and fills in the defaults of its algorithm', () => {
    const { recipe, notices } = parseRecipe(
      `${complete}learning_rate: 3e-4 # fast\nscale_rewards: false\nepsilon_high: null\n`,
      'my.yaml',
    );
    expect(notices).toEqual([]);
    expect(recipe).toMatchObject({
      algorithm: 'grpo',
      learning_rate: 3e-4,
      scale_rewards: 'none',
      epsilon_high: undefined,
      num_generations: 8,
      loss_type: 'dapo',
      thinking: true,
      max_steps: 10,
    });
    const sft = makeRecipe({
      algorithm: 'sft',
      model_name_or_path: 'm',
      datasets: [{ path: 'json', data_files: 'a.jsonl' }],
    });
    expect(sft).toMatchObject({
      learning_rate: 4e-6,
      lr_scheduler_type: 'cosine',
      max_steps: 100,
    });
    expect(sft.datasets).toEqual([{ path: 'json', data_files: ['a.jsonl'], split: 'train' }]);
  });

  it('is overridden by values from the command line', () => {
    const { recipe } = parseRecipe(complete, 'my.yaml', {
      learning_rate: '1e-5',
      thinking: 'false',
      output_dir: '7',
      warmup_steps: '3',
    });
    expect(recipe).toMatchObject({
      learning_rate: 1e-5,
      thinking: false,
      output_dir: '7',
      warmup_steps: 3,
    });
    expect(refusalOf('', { thinking: 'perhaps' })).toBe(
      '--thinking: thinking is "perhaps"; it must be true or false.',
    );
  });

  it('accepts one rule or weight, or a list', () => {
    const rules = `${complete}reward_funcs: rules/polite.js\nreward_weights: [1, 0.5]`;
    const { recipe } = parseRecipe(rules, 'my.yaml');
    expect(recipe).toMatchObject({ reward_funcs: ['rules/polite.js'], reward_weights: [1, 0.5] });
    const given = { reward_funcs: '[a.js, b/c.js]', reward_weights: '1, 0,-2' };
    const more = parseRecipe(complete, 'my.yaml', given).recipe;
    expect(more).toMatchObject({ reward_funcs: ['a.js', 'b/c.js'], reward_weights: [1, 0, -2] });
    expect(parseRecipe(recipeYaml(more), 'copy.yaml').recipe).toEqual(more);
    const functions = (text: string): readonly string[] =>
      parseRecipe(complete, 'my.yaml', { reward_funcs: text }).recipe.reward_funcs;
    expect(functions('a.js,b/c.js')).toEqual(['a.js', 'b/c.js']);
    expect(functions('a.js, b/c.js')).toEqual(['a.js', 'b/c.js']);
    expect(functions('["a,b.js"]')).toEqual(['a,b.js']);
    expect(functions('a.js')).toEqual(['a.js']);
    const adapter = { use_peft: 'true', lora_target_modules: 'v_proj,q_proj' };
    expect(parseRecipe(complete, 'my.yaml', adapter).recipe.lora_target_modules).toEqual([
      ...['q_proj', 'v_proj'],
    ]);
    // No other reward is needed besides rules.
    const alone = { model_name_or_path: 'm', world: 'meal-planner', reward_funcs: 'a.js' };
    expect(makeRecipe(alone).reward_funcs).toEqual(['a.js']);
  });

  it('loses the keys that mean nothing for an algorithm of the command line', () => {
    const text = `${complete}beta: 0.04\nepsilon: 0.1\nseed: 7\n`;
    const { recipe, notices } = parseRecipe(text, 'my.yaml', { algorithm: 'ppo' });
    expect(recipe).toMatchObject({ algorithm: 'ppo', seed: 7, num_generations: 1 });
    expect(notices).toEqual(['my.yaml: not used, because algorithm is ppo: beta, epsilon.']);
    expect(parseRecipe(text, 'my.yaml', { algorithm: 'grpo' }).notices).toEqual([]);
    const both = { algorithm: 'ppo', beta: '0.1' };
    expect(refusal(() => parseRecipe(text, 'my.yaml', both))).toBe(
      '--beta: beta has no meaning when algorithm is ppo; remove it.',
    );
    const own = `algorithm: ppo\n${text}`;
    expect(refusal(() => parseRecipe(own, 'my.yaml', { algorithm: 'ppo' }))).toMatch(/beta has no/);
  });

  it('merges maps as YAML 1.1 does: own keys count, wherever they stand', () => {
    const merged = '&common\nbeta: 0.1\nseed: 7\n';
    const lines = `<<: {seed: 3, beta: 0.5}\nseed: 4\n`;
    expect(parseRecipe(complete + lines, 'my.yaml').recipe).toMatchObject({ seed: 4, beta: 0.5 });
    const entries =
      'datasets:\n- &one {path: json, data_files: a.jsonl}\n- {<<: *one, split: test}\n';
    expect([...readYaml(entries, 'my.yaml').values()]).toEqual([
      {
        place: 'my.yaml, line 1',
        value: [
          { path: 'json', data_files: 'a.jsonl' },
          { path: 'json', data_files: 'a.jsonl', split: 'test' },
        ],
      },
    ]);
    for (const line of ['<<: 3', '<<: [{seed: 1}, {seed: 2}]', 'datasets: [{<<: 3}]']) {
      expect(() => readYaml(line, 'my.yaml')).toThrow(
        'my.yaml: not a recipe ("<<" must be followed by one map, or by *NAME of one).',
      );
    }
    expect(() => readYaml(`${merged}<<: *common\n`, 'my.yaml')).toThrow('merged into one another');
  });

  it('is the same after writing and reading its YAML', () => {
    const { recipe } = parseRecipe(`${complete}delta: 4\nbeta: 0.04`, 'my.yaml');
    const written = recipeYaml(recipe);
    expect(parseRecipe(written, 'copy.yaml').recipe).toEqual(recipe);
    expect(written).not.toContain('center_rewards_coefficient');
  });

  it('accepts keys that have no effect here, with a notice', () => {
    const { notices } = parseRecipe(`${complete}report_to: wandb\nbf16: true`, 'my.yaml');
    expect(notices[0]).toBe(
      'my.yaml: not used here: report_to, bf16 (everything is computed in float32).',
    );
  });
});

describe('a warning', () => {
  const warned = (lines: string) => parseRecipe(complete + lines, 'my.yaml').notices;
  it.each(['bnpo', 'dr_grpo', 'dapo', 'cispo'])('is given for sequence ratios with %s', (loss) => {
    const lines = `loss_type: ${loss}\nepsilon_high: 5\n`;
    expect(warned(`${lines}importance_sampling_level: sequence`)).toEqual([
      `my.yaml: importance_sampling_level: sequence with loss_type ${loss} weighs a completion by ` +
        'its length; for GSPO, set loss_type: grpo.',
    ]);
    expect(warned(lines)).toEqual([]);
  });

  it('is given for luspo without sequence ratios, for vespo with them, and for no other loss', () => {
    const sequence = (loss: string) =>
      warned(`loss_type: ${loss}\nimportance_sampling_level: sequence`);
    expect(warned('loss_type: luspo')).toEqual([
      'my.yaml: loss_type luspo is meant for importance_sampling_level: sequence; set that.',
    ]);
    expect(sequence('vespo')).toEqual([
      'my.yaml: loss_type vespo already weighs completions; remove importance_sampling_level.',
    ]);
    expect(warned('loss_type: vespo')).toEqual([]);
    for (const loss of ['grpo', 'sapo', 'luspo']) expect(sequence(loss)).toEqual([]);
  });
});

describe('a refusal of values that have no file', () => {
  const set = { model_name_or_path: 'm', reward_model_name_or_path: 'r', world: 'meal-planner' };
  it.each<[object, string]>([
    [{ num_generations: 0 }, 'num_generations is 0; it must be a whole number from 1 to 65536.'],
    [{ thinking: 'maybe' }, 'Thinking is "maybe"; it must be true or false.'],
    [{ lerning_rate: 1 }, 'Unknown key lerning_rate; did you mean learning_rate?'],
    [{ kl_in: 'loss' }, 'kl_in has no meaning when algorithm is grpo; remove it.'],
    [
      { optim: 'sgd' },
      'Optim would change the result and is not available (the optimizer is AdamW); remove it.',
    ],
    [{ datasets: 'a.jsonl' }, 'Datasets is "a.jsonl"; it must be a list of entries'],
    [{ datasets: [{ path: 'csv' }] }, 'Datasets, entry 1: path is "csv"; it must be json'],
    [{ world: null }, 'There is no data; set datasets to JSONL files, or world to meal-planner.'],
    [{ num_generations: 1 }, 'num_generations is 1, but GRPO compares completions;'],
    [{ judge_prompt: 'Is it kind?' }, 'judge_prompt needs a judge;'],
    [
      { thinking: 'maybe', seed: -1 },
      '2 keys must change: Thinking is "maybe"; it must be true or false. Seed is -1; it must be',
    ],
  ])('of %j begins with the key, not with a place', (values, sentence) => {
    const refused = (): unknown => makeRecipe({ ...set, ...values });
    expect(refused).toThrow(sentence);
    try {
      refused();
    } catch (error) {
      expect((error as Error).message.startsWith(sentence)).toBe(true);
    }
  });
});

describe('a refusal', () => {
  it.each([
    ['x: 1', 'my.yaml, line 5: unknown key x; `ponder train --help` lists the keys.'],
    [
      'seed: 042',
      'my.yaml, line 5: seed is 042, an octal number for TRL and a decimal one here; write it without the leading 0.',
    ],
    ['learning_rte: 1', 'my.yaml, line 5: unknown key learning_rte; did you mean learning_rate?'],
    [
      'constructor: 1',
      /^my.yaml, line 5: unknown key constructor; `ponder train --help` lists the keys\.$/,
    ],
    [
      'learning_rate: -1',
      'my.yaml, line 5: learning_rate is -1; it must be a number above 0 and at most 1.',
    ],
    ['temperature: .nan', /temperature is NaN; it must be a number above 0 and at most 10\.$/],
    [
      'num_generations: 1',
      /num_generations is 1, but GRPO compares completions; set it to 2 or more\.$/,
    ],
    ['num_iterations: 1.5', /num_iterations is 1.5; it must be a whole number from 1 to 100\.$/],
    ['beta: null', /beta is null; it must be a number from 0 to 100\.$/],
    ['beta: []', /beta is \[\]; it must be/],
    ['loss_type: grop', /loss_type is "grop"; .* vespo or sigmoid \(did you mean grpo\?\)\.$/],
    ['loss_type: cispo', /set epsilon_high, 5 is usual\.$/],
    ['sapo_temperature_pos: 0', /it must be a number above 0 and at most 100\.$/],
    ['vespo_lambda_neg: 0', /it must be a number from 0\.0001 to 100\.$/],
    ['entropy_coef: -1', /it must be a number from 0 to 100\.$/],
    ['use_adaptive_entropy: true', /\(the weight of the entropy is always entropy_coef\)/],
    ['kl_coef: 0.1', /line 5: kl_coef has no meaning when algorithm is grpo; remove it\.$/],
    [
      'loss_type: sigmoid',
      /loss_type sigmoid is for DPO; choose another, or set algorithm: dpo\.$/,
    ],
    [
      'algorithm: ppo\nbeta: 0.1',
      /line 6: beta has no meaning when algorithm is ppo; remove it\.$/,
    ],
    ['algorithm: ppo\nkl_in: loss', /kl_in: loss needs kl_estimator: k3/],
    ['algorithm: ppo\nnum_mini_batches: 3', /does not divide the 8 prompts of a step/],
    [
      'max_thought_length: 48\nmax_completion_length: 63',
      /no room for a response after max_thought_length \(48\); set it to 64 or more/,
    ],
    ['algorithm: dpo\nloss_type: dapo', /DPO has only loss_type sigmoid; remove loss_type\.$/],
    ['algorithm: dpo\nepsilon: 0.1', /line 6: epsilon has no meaning when algorithm is dpo/],
    [
      'algorithm: dpo\nbeta: 0',
      /beta is 0, so the loss is the same for every policy; set it above 0/,
    ],
    [
      'algorithm: sft',
      /line 2: reward_model_name_or_path has no meaning when algorithm is sft; remove it\.$/,
    ],
    ['reward_funcs: 3', /reward_funcs is 3; it must be a text or a list of texts\.$/],
    ['reward_weights: [1, a]', /reward_weights is \[1,"a"\]; it must be a list of numbers\.$/],
    [
      'reward_funcs: [a/x.js, b/y.js]\nreward_weights: [1, 2]',
      'my.yaml: reward_weights has 2 numbers for 3 rewards; give one for each of ' +
        'reward_model, x, y.',
    ],
    [
      'reward_funcs: [a/x.js, b/x.js]',
      'my.yaml: two rewards have the name x; rename a file of reward_funcs.',
    ],
    ['judge_prompt: Is {response} good?', /judge_prompt needs a judge; set judge_model/],
    [
      'judge_model_name_or_path: j\njudge_prompt: Good?',
      /judge_prompt lacks \{response\}; write it where the response should stand\.$/,
    ],
    ['load_in_4bit: true', /quantised weights cannot be trained; set use_peft: true/],
    ['lora_target_modules: [q_proj, z]', /it must be all-linear or a list of q_proj, .* down_proj/],
    [
      'reward_funcs: [rules/prompt.js]',
      /the rule rules\/prompt\.js has the name of another column/,
    ],
    ['reward_funcs: [rules/__proto__.js]', /the rule rules\/__proto__\.js has the name of another/],
    ['per_device_train_batch_size: 4503599627370496', /must be a whole number from 1 to 65536\.$/],
    ['save_steps: 9007199254740991', /a whole number from 1 to 1000000000\.$/],
    [
      'lora_alpha: 1e300',
      /lora_alpha is 1e\+300; it must be a number above 0 and at most 1000000\.$/,
    ],
    [
      'reward_funcs: [get_soft_overlong_punishment]',
      /reward_funcs has "get_soft_overlong_punishment", which is a key here; .* set soft_punish_cache/,
    ],
    ['reward_funcs: [rule.txt]', /reward_funcs has "rule.txt", which is not a JavaScript file/],
    [
      'reward_funcs: x/polite.py',
      'my.yaml: reward_funcs has "x/polite.py", and Ponder runs rewards in JavaScript, not Python; write ' +
        'the rule in a file such as x/polite.js.',
    ],
    [
      'reward_funcs: [a.js, my_rewards.accuracy]',
      /has "my_rewards.accuracy", and Ponder runs .* a file such as my_rewards\/accuracy\.js\.$/,
    ],
    ['reward_funcs: accuracy_reward', /JavaScript, not Python; .* such as accuracy_reward\.js\.$/],
    ['eval_strategy: epoch', /eval_strategy is "epoch"; it must be no or steps/],
    [
      'num_generations: 3',
      'my.yaml: per_device_train_batch_size is 8 completions, which is not a multiple of ' +
        'num_generations (3); set it to 9.',
    ],
    ['datasets: {path: json}', /datasets is {"path":"json"}; it must be a list of entries/],
    ['datasets: [x]', /: datasets, entry 1: "x" must be {path: json, data_files: FILE\.jsonl}\.$/],
    ['datasets: [{path: hub}]', /entry 1: path is "hub"; it must be json, with data_files \(noth/],
    [
      'datasets: [{path: json, data_files: a}, {path: json, data_files: a, splt: test}]',
      'my.yaml, line 5: datasets, entry 2: unknown key splt; did you mean split?.',
    ],
    [
      'datasets: [{path: json, data_files: a, columns: [x]}]',
      /unknown key columns; an entry has pa/,
    ],
    [
      'datasets: [{path: json, data_files: a, split: all}]',
      /split is "all"; it must be train or te/,
    ],
    [
      'datasets: [{path: json, data_files: {train: a}}]',
      /data_files is {"train":"a"}; it must be a/,
    ],
    ['datasets: [{path: json, data_files: a.jsonl}]', /world and datasets are both set/],
    ['a: b: c', /^my.yaml, line 5: not YAML \(Nested mappings/],
    ['world: meal-planner', /^my.yaml, line 5: not YAML \(Map keys must be unique\)/],
    ['"', /^my.yaml, line \d: not YAML/],
    ['seed: !!js/function 1', /^my.yaml, line 5: not YAML \(Unresolved tag/],
  ])('of %j gives the place, the value and what to write', (line, message) => {
    expect(refusalOf(line)).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    );
  });

  it('of a reward model without data does not suggest a world', () => {
    const reward = 'algorithm: reward\nmodel_name_or_path: m\n';
    expect(refusal(() => parseRecipe(reward, 'my.yaml'))).toBe(
      'my.yaml: there is no data; set datasets to JSONL files with prompt, chosen and rejected.',
    );
  });

  it('of DPO without a reward or pairs says what to set', () => {
    const pairs = 'algorithm: dpo\nmodel_name_or_path: m\n';
    expect(refusal(() => parseRecipe(`${pairs}world: meal-planner`, 'my.yaml'))).toMatch(
      /there is no reward to choose the better of two completions; set reward_model_name_or_path/,
    );
    const file = 'datasets: [{path: json, data_files: pairs.jsonl}]';
    expect(parseRecipe(pairs + file, 'my.yaml').recipe).toMatchObject({ beta: 0.1, online: false });
  });

  it('names what is missing', () => {
    const without = (key: string) =>
      refusal(() => parseRecipe(complete.replace(new RegExp(`${key}.*`), ''), 'my.yaml'));
    expect(without('^model_name_or_path')).toMatch(/^my.yaml: model_name_or_path is missing; set/);
    expect(without('reward_model_name_or_path')).toMatch(/reward_model_name_or_path is missing/);
    expect(without('world')).toMatch(/there is no data; set datasets/);
    expect(refusal(() => parseRecipe('- a', 'my.yaml'))).toMatch(/^my.yaml: this is not a recipe/);
    expect(refusal(() => parseRecipe('', 'my.yaml'))).toMatch(/model_name_or_path is missing/);
  });
});

it('knows which keys need no value on a command line', () => {
  for (const key of ['use_peft', 'thinking', 'bf16', 'push_to_hub']) expect(isFlag(key)).toBe(true);
  for (const key of ['beta', 'report_to', 'unknown', 'toString']) expect(isFlag(key)).toBe(false);
});

it('every key has help in whole sentences and a default within its own range', () => {
  const grouped = recipeGroups.flatMap(({ keys }) => Object.keys(keys));
  expect(grouped.sort()).toEqual(Object.keys(recipeKeys).sort());
  for (const [key, spec] of Object.entries<RecipeKeySpec>(recipeKeys)) {
    expect(spec.help, key).toMatch(/^[A-Z].*[^.]\.$/);
    if (spec.default === undefined) expect(spec.optional, key).toBe(true);
    if (spec.type !== 'number' && spec.type !== 'integer') continue;
    for (const value of [spec.default, ...Object.values(spec.defaults ?? {})]) {
      if (value === undefined) continue;
      expect(value, `${key} is ${describeRange(spec)}`).toBeGreaterThanOrEqual(
        spec.min ?? -Infinity,
      );
      expect(value, key).toBeLessThanOrEqual(spec.max ?? Infinity);
      if (spec.above !== undefined) expect(value, key).toBeGreaterThan(spec.above);
    }
  }
});
