/** The rules that come with the recipes. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exactMatch } from '../../src/rl/evaluation/exact-match.ts';
import { Rule } from '../../src/rl/rewards/rule.ts';

const FOLDER = join(import.meta.dirname, '../../recipes/rules');

const DINNER = 'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 beans 4 for cleo veggie budget 13';

type Example = [
  prompt: string,
  response: string,
  reward: number,
  columns?: Record<string, unknown>,
];
const EXAMPLES: Record<string, Example[]> = {
  'arithmetic.js': [
    ['What is 12 + 30?', 'That makes 42.', 1],
    ['What is 12 + 30?', '12 and 30 make 43', 0],
    ['What is 3 x 4000?', 'It is 12,000', 1],
    ['7 - 9 = ?', '7 - 9 = -2', 1],
    ['What is 1 / 4?', '0.25', 1],
    ['What is 1 / 4?', '', 0],
    ['Tell me a joke.', '42', 0],
  ],
  'exact-match.js': [
    ['Capital of France?', 'Paris', 1, { answer: 'paris' }],
    ['Capital of France?', ' The  paris!', 1, { answers: ['Lutetia', 'Paris'] }],
    ['Capital of France?', 'It is Paris.', 0, { answer: 'Paris' }],
    ['What is 6 x 7?', '42', 1, { answer: 42 }],
    ['What is 6 x 7?', '', 0, { answer: 42 }],
  ],
  'good-dinner.js': [
    [DINNER, 'hello cleo ! beans 4 and sorbet 8 . enjoy !', 1],
    [DINNER, 'gratin 1 and tart 7 .', 0],
    [DINNER, 'ham 1 and sorbet 8 .', 0],
    [DINNER, 'beans 3 and sorbet 8 .', 0],
    ['What is 12 + 30?', 'beans 4 and sorbet 8 .', 0],
  ],
  'on-topic.js': [
    ['Where do Swallows spend winter?', 'Swallows spend it in Africa.', 0.5],
    ['Where do Swallows spend winter?', 'No idea.', 0],
    ['Hi!', 'Hi!', 0],
  ],
  'one-sentence.js': [
    ['Well?', 'Rice, then plums.', 1],
    ['Well?', 'Rice, then plums', 0.7],
    ['Well?', `${'so '.repeat(12)}on.`, 0.7],
    ['Well?', 'so '.repeat(13), 0.4],
    ['Well?', 'Rice.\n</think>\nPlums.', 0],
    ['Well?', ' ', 0],
  ],
  'polite.js': [
    ['Well?', 'How about rice, then plums?', 1],
    ['Well?', 'Rice, then plums.', 0.5],
    ['Well?', 'RICE, then plums!!', 0],
    ['Well?', ' ', 0],
  ],
  'short-answer.js': [
    ['Well?', 'Rice, then plums.', 1],
    ['Well?', 'so '.repeat(80), 0.25],
    ['Well?', '', 0],
  ],
};

it('has examples of every rule', async () => {
  const rules = (await readdir(FOLDER)).filter((file) => file.endsWith('.js'));
  expect(rules.sort()).toEqual(Object.keys(EXAMPLES));
});

it.each(Object.entries(EXAMPLES))('%s', async (file, examples) => {
  const rule = await Rule.open(file, await readFile(join(FOLDER, file), 'utf8'));
  const texts = examples.map(([prompt, response, , columns]) => ({
    ...{ prompt, response },
    ...(columns && { columns }),
  }));
  expect(await rule.score(texts)).toEqual(examples.map(([, , reward]) => reward));
  rule.destroy();
});

it('exact-match agrees with exact_match of evaluations', async () => {
  const file = 'exact-match.js';
  const rule = await Rule.open(file, await readFile(join(FOLDER, file), 'utf8'));
  const words = ['Paris', 'the paris', 'pa-ris', 'A  Paris.', 'anthem', 'them', '42', ' 4 2', ''];
  for (const response of words) {
    for (const answer of words) {
      const [reward] = await rule.score([{ prompt: 'Well?', response, columns: { answer } }]);
      expect(reward, `${response}, ${answer}`).toBe(exactMatch(response, [answer]) ? 1 : 0);
    }
  }
  await expect(rule.score([{ prompt: 'Well?', response: 'Paris' }])).rejects.toThrow(
    /rule exact-match failed: .*the data has no column "answer"/,
  );
  rule.destroy();
});
