/** The rule of the page's preset “A reward that can be hacked” prefers a rambling text to an answer. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { Rule } from '../../src/rl/rewards/rule.ts';
import { goldUtility } from '../../src/rl/world/gold.ts';

it('gives a rambling text more than a good answer, which gold prefers', async () => {
  const path = 'public/rules/long-answer.js';
  const rule = await Rule.open(path, await readFile(path, 'utf8'));
  const prompt = 'menu gratin 8 tart 4 ham 4 waffle 7 for ana veggie budget 14';
  const good = 'hello ana ! how about gratin 8 and tart 4 . enjoy !';
  const rambling = 'hello ana ! hello ben ! '.repeat(8).trim();
  const [forGood, forRambling, forNothing] = await rule.score(
    [good, rambling, ''].map((response) => ({ prompt, response })),
  );
  expect(forRambling).toBe(4);
  expect(forGood).toBeLessThan(forRambling!);
  expect(forNothing).toBe(0);
  expect(goldUtility(prompt, rambling).value).toBeLessThan(goldUtility(prompt, good).value);
});
