import { expect, it } from 'vitest';
import { readConfig } from '../../model/checkpoint.ts';
import { droppedFolder } from '../../model/files.ts';
import { Tokenizer } from '../../model/tokenizer.ts';
import { rewardModelTokens, upToScore } from '../rewards/reward-model.ts';
import { tokenizerStops, turnEnd } from './stop-tokens.ts';

const WORDS = ['<pad>', '</s>', '<|eot|>', '<|im_end|>', 'user', 'assistant', 'hello', 'yes'];
const EOT = 2;
const IM_END = 3;

const turnsEndingWith = (token: string): string =>
  `{% for m in messages %}{{ m.role }} {{ m.content }} ${token} {% endfor %}`;

function folder(files: Record<string, unknown>) {
  return droppedFolder(
    new Map(Object.entries(files).map(([name, json]) => [name, new Blob([JSON.stringify(json)])])),
  );
}

function tokenizer(chat_template: string | null, eos_token: string | null = '</s>') {
  const json = {
    added_tokens: WORDS.slice(0, 4).map((content, id) => ({ id, content, special: true })),
    ...{ normalizer: null, post_processor: null, decoder: null },
    pre_tokenizer: { type: 'WhitespaceSplit' },
    model: { type: 'WordLevel', vocab: Object.fromEntries(WORDS.map((w, i) => [w, i])) },
  };
  const config = { eos_token, chat_template };
  return Tokenizer.load(folder({ 'tokenizer.json': json, 'tokenizer_config.json': config }));
}

it('the taught stop token is the one with which the template ends a turn', async () => {
  const llama = await tokenizer(turnsEndingWith('<|eot|>'), '<|eot|>');
  expect(turnEnd(llama, [1, 3, 2])).toBe(EOT);
  // The template's, though the tokenizer's is another.
  expect(turnEnd(await tokenizer(turnsEndingWith('<|im_end|>')), [1, 3])).toBe(IM_END);
});

it("without such a token it is the tokenizer's, then the first of the model's", async () => {
  // The template ends turns with a token at which the policy would not stop.
  expect(turnEnd(await tokenizer(turnsEndingWith('<|im_end|>')), [2])).toBe(1);
  expect(turnEnd(await tokenizer(null), [2, 3])).toBe(1);
  expect(turnEnd(await tokenizer(null, null), [2, 3])).toBe(2);
  expect(turnEnd(await tokenizer("{{ raise_exception('no') }}", null), [2, 3])).toBe(2);
  expect(turnEnd(await tokenizer(null, null), [])).toBeUndefined();
});

it("a policy stops at the tokenizer's token and at those of generation_config.json", async () => {
  expect(tokenizerStops(await tokenizer(null))).toEqual([1]);
  expect(tokenizerStops(await tokenizer(null, null))).toEqual([]);
  const sizes = { hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, vocab_size: 8 };
  const config = { model_type: 'llama', num_attention_heads: 2, ...sizes, eos_token_id: 1 };
  const stops = async (generation?: object): Promise<number[]> => {
    const files = {
      'config.json': config,
      ...(generation && { 'generation_config.json': generation }),
    };
    return (await readConfig(folder(files))).eosTokenIds;
  };
  expect(await stops()).toEqual([1]);
  expect(await stops({ top_k: 7, eos_token_id: null })).toEqual([1]);
  expect(await stops({ eos_token_id: [5, 4, 3, 2, 6, 7] })).toEqual([5, 4, 3, 2, 6, 7]);
  await expect(stops({ eos_token_id: 8 })).rejects.toThrow(
    'generation_config.json: eos_token_id is 8; it must be token ids below vocab_size 8',
  );
});

it('a reward model is read at the last token that is not padding', async () => {
  expect(upToScore([4, 5, 2], 2)).toEqual([4, 5]);
  expect(upToScore([4, 2, 5, 2, 2], 2)).toEqual([4, 2, 5]);
  expect(upToScore([4, 5, 2], 0)).toEqual([4, 5, 2]);
  expect(upToScore([4, 5, 2], undefined)).toEqual([4, 5, 2]);
  expect(upToScore([2, 2], 2)).toEqual([2]);
  const texts = [{ prompt: 'hello', response: 'yes' }];
  const eot = await tokenizer(turnsEndingWith('<|eot|>'));
  expect(rewardModelTokens(eot, texts, EOT).prompt).toEqual([4, 6, EOT, 5, 7]);
  expect(rewardModelTokens(eot, texts, 0).prompt).toEqual([4, 6, EOT, 5, 7, EOT]);
});
