/** Several rewards: from a recipe to a step of training, and the preview of what they read. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeSurroundings } from '../../src/cli/open.ts';
import { preview } from '../../src/cli/preview.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { advantages } from '../../src/rl/objectives/advantages.ts';
import { previewRecipe, seenText } from '../../src/app/preview.ts';
import { makeRecipe } from '../../src/rl/recipe/recipe.ts';
import { rewardModelTokens } from '../../src/rl/rewards/reward-model.ts';
import { promptTokens } from '../../src/rl/rollout/rollout.ts';
import { openTrainer } from '../../src/app/opening/trainer.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { asReward, CONFIGS, randomTensors, saveModel } from '../random-model.ts';

const config = { ...CONFIGS['llama, tied']!, vocabSize: VOCABULARY.length };
const PROMPT = 'menu ham 1 tart 7 for cleo veggie budget 8';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(at('policy'), config, randomTensors(config, 1));
  await saveModel(at('judge'), asReward(config), randomTensors(asReward(config), 2));
  await writeFile(at('words.js'), 'export default (_, response) => response.split(/\\s+/).length');
  await writeFile(at('prompts.jsonl'), `${JSON.stringify({ prompt: PROMPT })}\n`);
});
afterAll(() => rm(root, { recursive: true }));

const at = (...path: string[]): string => join(root, ...path);

const values = (more: object): Record<string, unknown> => ({
  model_name_or_path: at('policy'),
  reward_model_name_or_path: at('judge'),
  datasets: [{ path: 'json', data_files: at('prompts.jsonl') }],
  per_device_train_batch_size: 4,
  num_generations: 4,
  max_prompt_length: 24,
  max_completion_length: 8,
  scale_rewards: 'none',
  beta: 0,
  learning_rate: 1e-3,
  ...more,
});

it('training adds its rewards with their weights, and reports each by name', async () => {
  const around = await nodeSurroundings();
  const recipe = makeRecipe(values({ reward_funcs: at('words.js'), reward_weights: [2, -0.5] }));
  const { trainer } = await openTrainer(recipe, around);
  const { metrics, groups } = await trainer.trainStep();
  const { samples } = groups[0]!;
  const words = samples.map(({ response }) => response.split(/\s+/).length);
  const mean = words.reduce((a, b) => a + b, 0) / 4;
  expect(metrics['rewards/words/mean']).toBeCloseTo(mean, 9);
  expect(metrics['rewards/words/std']).toBeGreaterThan(0);
  const model = metrics['rewards/reward_model/mean']!;
  expect(metrics.reward).toBeCloseTo(2 * model - 0.5 * mean, 6);
  samples.forEach(({ rewards, reward }, i) => {
    expect(rewards?.words).toBe(words[i]);
    expect(reward).toBeCloseTo(2 * rewards!.reward_model! - 0.5 * words[i]!, 6);
  });
  const [expected] = advantages([samples.map(({ reward }) => reward)], 'none');
  samples.forEach(({ advantage }, i) => expect(advantage).toBeCloseTo(expected![i]!, 9));
  around.close();
});

it('rules read the answer in the row of the prompt', async () => {
  // The reward is the answer itself, so it shows which of the two rows the rule read.
  await writeFile(at('right.js'), 'export default (prompt, response, row) => row.answer');
  const rows = [1, 5].map((answer) => JSON.stringify({ prompt: `${PROMPT} ${answer}`, answer }));
  await writeFile(at('answers.jsonl'), rows.join('\n'));
  const files = ['train', 'test'].map((split) => ({
    ...{ path: 'json', data_files: at('answers.jsonl'), split },
  }));
  const around = await nodeSurroundings();
  const recipe = makeRecipe({
    ...values({ reward_funcs: at('right.js'), datasets: files, eval_strategy: 'steps' }),
    ...{ reward_model_name_or_path: null, per_device_train_batch_size: 8 },
  });
  const { trainer } = await openTrainer(recipe, around);
  const { groups } = await trainer.trainStep();
  expect(groups.map(({ prompt }) => prompt).sort()).toEqual([`${PROMPT} 1`, `${PROMPT} 5`]);
  for (const { prompt, samples } of groups) {
    for (const { reward } of samples) expect(reward).toBe(Number(prompt.at(-1)));
  }
  const { rows: judged, metrics } = await trainer.evaluate!();
  expect(metrics.eval_reward).toBe(3);
  for (const { prompt, reward } of judged) expect(reward).toBe(Number(prompt.at(-1)));
  around.close();
});

describe('a preview', () => {
  it('has the ids that the policy and the reward model read', async () => {
    const recipe = makeRecipe(values({ reward_funcs: at('words.js'), reward_weights: [1, 0.25] }));
    const tokenizer = await Tokenizer.load(await nodeFolder(at('policy')));
    const tokenizers = { policy: tokenizer, rewardModel: tokenizer };
    const seen = previewRecipe(recipe, tokenizers, PROMPT, 'try ham </think> ham 1 .');
    expect(seen).toMatchObject({ thought: 'try ham', response: 'ham 1 .', wellFormed: true });
    expect(seen.policy.ids).toEqual(promptTokens(tokenizer, PROMPT, true));
    expect(seen.policy.tokens.map(({ text }) => text).join('')).toBe(seen.policy.text);
    const [model, rule] = seen.rewards;
    const { prompt, completions } = rewardModelTokens(
      tokenizer,
      [{ prompt: PROMPT, response: 'ham 1 .' }],
      undefined,
    );
    expect(model).toMatchObject({
      name: 'reward_model',
      weight: 1,
      sees: { ids: [...prompt, ...completions[0]!] },
    });
    // The only special token is the one with which the template ends the turn.
    const marks = model?.kind === 'model' ? model.sees.tokens.filter((t) => t.special) : [];
    expect(marks.map(({ text }) => text.trim())).toEqual(['<eos>']);
    expect(rule).toEqual({
      ...{ name: 'words', weight: 0.25, kind: 'rule' },
      ...{ prompt: PROMPT, response: 'ham 1 .' },
    });
  });

  it('uses the template of a reward model unchanged, even with an empty thought in it', async () => {
    const template =
      "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' and loop.last %}" +
      '<think>\n\n</think>\n\n{% endif %}{{ m.content }}{% endfor %}';
    const files = await readFile(at('judge', 'tokenizer_config.json'), 'utf8');
    const config = { ...(JSON.parse(files) as object), chat_template: template };
    await writeFile(at('judge', 'tokenizer_config.json'), JSON.stringify(config));
    const rewardModel = await Tokenizer.load(await nodeFolder(at('judge')));
    const policy = await Tokenizer.load(await nodeFolder(at('policy')));
    const { rewards } = previewRecipe(makeRecipe(values({})), { policy, rewardModel }, 'a', 'b');
    expect(rewards[0]).toMatchObject({
      sees: { text: '<user>a<assistant><think>\n\n</think>\n\nb' },
    });
  });

  it('of a template that raises an error is one sentence with its file', async () => {
    const template =
      "{% for m in messages %}{% if 'x' in m.content %}" +
      "{{ raise_exception('no x here') }}{% endif %}{{ m.content }}{% endfor %}";
    await saveModel(at('gemma'), config, randomTensors(config, 1));
    await writeFile(at('gemma', 'chat_template.jinja'), template);
    const policy = await Tokenizer.load(await nodeFolder(at('gemma')));
    const recipe = makeRecipe(values({ thinking: false, system_prompt: 'Be brief.' }));
    expect(() => previewRecipe(recipe, { policy }, 'x', 'b')).toThrow(
      /gemma\/chat_template\.jinja refused the messages \(no x here\); change the turns as it asks/,
    );
  });

  it('shows a character of several tokens at its last token', () => {
    const bytes = new TextEncoder().encode('a€b');
    const decode = (ids: readonly number[], options?: { skipSpecial?: boolean }) =>
      new TextDecoder().decode(Uint8Array.from(options?.skipSpecial ? [] : ids));
    const tokenizer = { encodePrompt: () => [...bytes], decode } as unknown as Tokenizer;
    expect(seenText(tokenizer, 'a€b').tokens.map(({ text }) => text)).toEqual([
      ...['a', '', '', '€', 'b'],
    ]);
  });

  it('is a command', async () => {
    const recipe = Object.entries(values({ reward_funcs: [at('words.js')] }))
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
      .join('');
    await writeFile(at('recipe.yaml'), recipe);
    const argv = [at('recipe.yaml'), '--reward_weights', '1,2'];
    const text = await preview.run(argv, false);
    expect(text).toMatch(/^The policy reads \d+ tokens:\n\n {2}\| menu ham 1 tart 7 .* <think>\n/);
    expect(text).toMatch(
      /reward_model \(weight 1\) reads \d+ tokens, \d of them not in its vocabulary:/,
    );
    expect(text).toContain(
      'words (weight 2) is given the prompt and\n\n  | Here is the response.\n',
    );
    const json = JSON.parse(
      await preview.run([...argv, '--prompt', 'menu', '--completion', 'ham'], true),
    ) as Record<string, unknown>;
    expect(json).toMatchObject({
      ...{ prompt: 'menu', completion: 'ham', wellFormed: false, response: 'ham' },
      rewards: [{ name: 'reward_model' }, { name: 'words', weight: 2 }],
    });
  });
});
