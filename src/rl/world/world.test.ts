import { describe, expect, it } from 'vitest';
import { Random } from '../random.ts';
import { THINK_END, VOCABULARY, isDish, suits, words } from './menu.ts';
import { drawPrompts, parsePrompt, promptText, splitOf, type Split } from './prompts.ts';
import { baseText } from './base-data.ts';
import { demonstration, mediocrePlan, responseText, tryText } from './sft-data.ts';
import { goldUtility, isGrammatical } from './gold.ts';
import { thoughtTruth } from './truth.ts';
import {
  labelPairs,
  preferenceGroup,
  preferenceProbability,
  writtenResponse,
} from './preferences.ts';

const SPLITS: Split[] = ['train', 'dev', 'held-out'];

describe('prompts', () => {
  it('keeps the splits apart for every seed', () => {
    const texts = SPLITS.map((split) =>
      [1, 2].flatMap((seed) => drawPrompts(new Random(seed), split, 300).map(promptText)),
    );
    expect(new Set(texts.flat()).size).toBe(1800);
    texts.forEach((list, i) => {
      for (const text of list) expect(splitOf(text)).toBe(SPLITS[i]);
    });
  });

  it('holds out about one prompt in sixteen', () => {
    const random = new Random(3);
    let counts = { train: 0, dev: 0, 'held-out': 0 };
    for (let i = 0; i < 8000; i++) {
      const split = splitOf(`menu ham ${random.below(9)} for ana veggie budget ${i}`);
      counts = { ...counts, [split]: counts[split] + 1 };
    }
    expect(counts.dev / 8000).toBeCloseTo(1 / 16, 1);
    expect(counts['held-out'] / 8000).toBeCloseTo(1 / 16, 1);
  });

  it('gives the same prompts for the same seed', () => {
    expect(drawPrompts(new Random(5), 'dev', 20)).toEqual(drawPrompts(new Random(5), 'dev', 20));
  });

  it('always has a good answer', () => {
    for (const prompt of drawPrompts(new Random(4), 'train', 300)) {
      const fits = prompt.menu.some((main) =>
        prompt.menu.some((sweet) => {
          const left = prompt.budget - main.price - sweet.price;
          return (
            left >= 0 &&
            left <= 1 &&
            suits(main.dish, prompt.diet) &&
            suits(sweet.dish, prompt.diet)
          );
        }),
      );
      expect(fits, promptText(prompt)).toBe(true);
    }
  });

  it('are read back from their text, and other texts are not', () => {
    for (const prompt of drawPrompts(new Random(6), 'train', 50)) {
      expect(parsePrompt(promptText(prompt))).toEqual(prompt);
      expect(words(promptText(prompt))).toHaveLength(20);
    }
    expect(parsePrompt('menu ham for ana veggie budget 9')).toBeNull();
    expect(parsePrompt('tell me a joke')).toBeNull();
  });
});

describe('text for a base model', () => {
  const prompts = drawPrompts(new Random(9), 'train', 1000);
  const texts = (thinking: boolean) => {
    const random = new Random(10);
    return prompts.map((prompt) => baseText(random, thinking, prompt));
  };

  it('has only words of the world, and fits into a completion', () => {
    for (const { completion } of texts(true)) {
      for (const word of words(completion)) expect(VOCABULARY).toContain(word);
      expect(words(completion).length).toBeLessThanOrEqual(75);
    }
  });

  it('mostly follows the format, and has no thought without thinking', () => {
    const tagged = texts(true).filter(({ completion }) => completion.includes(THINK_END));
    expect(tagged.length / prompts.length).toBeGreaterThan(0.7);
    expect(tagged.length / prompts.length).toBeLessThan(0.9);
    expect(texts(false).some(({ completion }) => completion.includes(THINK_END))).toBe(false);
  });

  it('has only true notes, and answers that seldom come from them', () => {
    let takenUp = 0;
    let good = 0;
    for (const [i, { completion }] of texts(true).entries()) {
      const prompt = prompts[i]!;
      const [thought = '', response] = completion.split(THINK_END);
      if (response === undefined) continue;
      const truth = thoughtTruth(prompt, thought);
      expect(truth.true, completion).toBe(truth.total);
      const answer = words(response).filter(isDish).join();
      const same = thought
        .split('try')
        .find((tried) => words(tried).filter(isDish).join() === answer);
      if (same === undefined) continue;
      takenUp++;
      if (same.includes('good')) good++;
    }
    expect(takenUp / prompts.length).toBeGreaterThan(0.1);
    expect(takenUp / prompts.length).toBeLessThan(0.4);
    expect(good / takenUp).toBeLessThan(0.5);
  });

  it('does the task much worse than demonstrations', () => {
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const random = new Random(11);
    const base = mean(
      texts(false).map(({ completion }, i) => goldUtility(prompts[i]!, completion).value),
    );
    const shown = mean(
      prompts.map((p) => goldUtility(p, demonstration(random, false, p).completion).value),
    );
    expect(base).toBeLessThan(shown - 0.5);
  });
});

describe('demonstrations', () => {
  const prompts = drawPrompts(new Random(7), 'train', 400);

  it('have only true statements in a thought, and answer with the last try', () => {
    const random = new Random(8);
    const lengths = new Map<number, number>();
    for (const prompt of prompts) {
      const { completion } = demonstration(random, true, prompt);
      const [thought = '', response = ''] = completion.split(THINK_END);
      const truth = thoughtTruth(prompt, thought);
      expect(truth.true, completion).toBe(truth.total);
      const tries = words(thought).filter((word) => word === 'try').length;
      expect(truth.total).toBe(tries * 7);
      lengths.set(tries, (lengths.get(tries) ?? 0) + 1);
      expect(isGrammatical(words(response)), response).toBe(true);
      const named = words(response).filter((word) =>
        prompt.menu.some((item) => item.dish === word),
      );
      expect(named).toHaveLength(2);
      // The answer is the last try.
      const lastTry = words(thought.slice(thought.lastIndexOf('try')));
      for (const dish of named) expect(lastTry).toContain(dish);
    }
    expect([...lengths.keys()].sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('have the same grammar without a thought', () => {
    const random = new Random(9);
    for (const prompt of prompts) {
      const { completion } = demonstration(random, false, prompt);
      expect(isGrammatical(words(completion)), completion).toBe(true);
    }
  });

  it('use only words of the vocabulary', () => {
    const random = new Random(10);
    const known = new Set(VOCABULARY);
    for (const prompt of prompts) {
      const text = [
        promptText(prompt),
        demonstration(random, true, prompt).completion,
        writtenResponse(random, prompt),
      ].join(' ');
      for (const word of words(text)) expect(known.has(word), word).toBe(true);
    }
  });

  it('write a try as a running sum', () => {
    const prompt = parsePrompt(
      'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 10',
    )!;
    expect(tryText(prompt, ['ham', 'sorbet'])).toBe(
      'try ham 1 meat left 9 sorbet 8 ok left 1 poor',
    );
    expect(tryText(prompt, ['pizza', 'sorbet'])).toBe(
      'try pizza 7 ok left 3 sorbet 8 ok over 5 poor',
    );
    expect(tryText(prompt, ['beans', 'custard'])).toBe(
      'try beans 4 ok left 6 custard 5 ok left 1 good',
    );
  });
});

describe('thoughtTruth', () => {
  const prompt =
    'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 10';

  it.each([
    ['try ham 1 meat left 9 sorbet 8 ok left 1', 6, 6],
    ['try ham 1 ok left 9 sorbet 8 ok left 1', 5, 6],
    ['try ham 2 meat left 8 sorbet 8 ok left 1', 4, 6],
    ['try pizza 7 ok left 3 sorbet 8 ok left 5', 5, 6],
    // A dish that is not on the menu is false, and its price too.
    ['try burger 3 meat left 7', 1, 4],
    ['try beans 4 ok left 6 custard 5 ok left 1 good', 7, 7],
    ['try beans 4 ok left 6 custard 5 ok left 1 poor', 6, 7],
    ['try ham 1 meat left 9 sorbet 8 ok left 1 good', 6, 7],
    // Ham does not suit the guest, but for another reason.
    ['try ham 1 nuts left 9', 2, 3],
    ['', 0, 0],
  ])('%s', (thought, yes, all) => {
    expect(thoughtTruth(prompt, thought)).toEqual({ true: yes, total: all });
  });
});

describe('preferences', () => {
  const [prompt] = drawPrompts(new Random(11), 'train', 1);

  it('compare every two responses, and the policy’s come first', () => {
    const group = preferenceGroup(new Random(12), prompt!, ['a', 'b'], 8);
    expect(group.responses.slice(0, 2)).toEqual(['a', 'b']);
    expect(group.responses).toHaveLength(8);
    expect(group.pairs).toHaveLength(28);
  });

  it('follow the noise model of Bradley and Terry', () => {
    expect(preferenceProbability(1, 1)).toBe(0.5);
    expect(preferenceProbability(0.6, 0)).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
    const random = new Random(13);
    const plan = mediocrePlan(random, prompt!);
    const polite = responseText(new Random(1), prompt!, plan).replace(/ enjoy !$/, '');
    let wins = 0;
    for (let i = 0; i < 4000; i++) {
      const [[winner] = [0]] = labelPairs(random, prompt!, [`${polite} enjoy !`, polite]);
      if (winner === 0) wins += 1;
    }
    expect(wins / 4000).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 1);
  });
});
