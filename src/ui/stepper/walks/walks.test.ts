import { describe, expect, it } from 'vitest';
import type { Group, Sample, TokenTrace } from '../../../rl/report.ts';
import { std } from '../../../rl/statistics.ts';
import { updateOptions } from '../update-options.ts';
import { isRight, largest, sliderFor, type Step, type View } from './step.ts';
import { firstChoices, walkThrough } from './walk.ts';

const REWARDS = [1, 4, 2, 5];
const MEAN = 3;

function group(change: Partial<Group> = {}, trace?: (i: number) => TokenTrace): Group {
  const samples = REWARDS.map((reward, i): Sample => ({
    completion: `completion ${i}`,
    thought: 'a thought',
    response: `response ${i}`,
    wellFormed: true,
    truncated: false,
    tokens: 2,
    reward,
    advantage: (reward - MEAN) / 4,
    ...(trace && { trace: trace(i) }),
  }));
  return { prompt: 'p', samples, mean: MEAN, std: std(REWARDS), ...change };
}

const trace = (i: number): TokenTrace => ({
  text: ['a', ''],
  logp: [-1, -0.5],
  entropy: [1, 1],
  ref: [-1.5, -0.5],
  kl: [0.1, 0],
  after: [-1 + 0.1 * i, -0.5],
});
const walk = (algorithm: string, of: Group, recipe = {}): Step[] => {
  const options = updateOptions({ algorithm, ...recipe });
  return walkThrough(of, options, firstChoices(of, options));
};
const titles = (steps: Step[]): string[] => steps.map(({ title }) => title);
const tries = (view: View): readonly (number | null)[] => {
  if (view.kind !== 'tries') throw new Error(`${view.kind} has no tries`);
  return view.values;
};

describe('GRPO', () => {
  it('goes from rewards to advantages by the training code', () => {
    const steps = walk('grpo', group());
    expect(tries(steps[0]!.view)).toEqual(REWARDS);
    expect(tries(steps[1]!.view)).toEqual([-2, 1, -1, 2]);
    // TRL adds 1e-4 to the standard deviation.
    expect(tries(steps[2]!.view)[3]).toBeCloseTo(2 / (std(REWARDS) + 1e-4), 12);
  });

  it('leaves advantages undivided, or divides by the batch, as the recipe says', () => {
    const none = walk('grpo', group(), { scale_rewards: 'none' });
    expect(tries(none[2]!.view)).toEqual([-2, 1, -1, 2]);
    const batch = walk('grpo', group(), { scale_rewards: 'batch' });
    expect(tries(batch[2]!.view)).toEqual([-0.5, 0.25, -0.25, 0.5]);
  });

  it('stops at a group that teaches nothing', () => {
    const steps = walk('grpo', group({ std: 0 }));
    expect(titles(steps)).toEqual(['Rewards', 'No gradient here']);
  });

  it('clips the gain at the end of the range, on the side of the advantage', () => {
    const { view } = walk('grpo', group({}, trace), { epsilon_high: 0.3 })[3]!;
    if (view.kind !== 'curve') throw new Error('no curve');
    expect(view.band).toEqual([0.8, 1.3]);
    // Try A, the first of the strongest, has a negative advantage: it is flat below the range.
    expect(view.f(0.8)).toBeCloseTo(view.f(0.5), 12);
    expect(view.f(1.3)).toBeGreaterThan(view.f(1.5));
    expect(view.points).toHaveLength(2);
  });

  it('shows no clipping of a loss that has none', () => {
    const clipped = titles(walk('grpo', group(), { loss_type: 'luspo' }));
    for (const loss_type of ['cispo', 'sapo', 'vespo']) {
      const shown = titles(walk('grpo', group(), { loss_type }));
      expect(shown).toEqual(clipped.filter((_, i) => i !== 3));
    }
  });

  it('takes the KL from the push on a token', () => {
    const { view } = walk('grpo', group({}, trace), { beta: 0.5, scale_rewards: 'none' })[4]!;
    if (view.kind !== 'tokens') throw new Error('no tokens');
    expect(view.values[0]).toBeCloseTo(-2 - 0.5 * 0.1, 12);
    expect(view.values[1]).toBe(-2);
  });

  it('says which try became likelier the most, and asks nothing if that is not known', () => {
    const last = walk('grpo', group({}, trace)).at(-1)!;
    expect(last.question).toMatchObject({ kind: 'pick', answers: [3] });
    expect(tries(last.view)[3]).toBeCloseTo(0.3, 12);
    const unknown = walk('grpo', group()).at(-1)!;
    expect(unknown.question).toBeUndefined();
    expect(unknown.reveal).toMatch(/no log-probs from after/);
  });

  it('asks nothing where the update moved all tries by the same that is printed', () => {
    const moved = (by: (i: number) => number): Step =>
      walk(
        'grpo',
        group({}, (i) => ({ ...trace(i), after: [-1 + by(i), -0.5] })),
      ).at(-1)!;
    const still = moved((i) => 0.001 * i);
    expect(still.question).toBeUndefined();
    expect(still.reveal).toMatch(/^All tries have moved by the same amount/);
    // Two that are printed alike are both right.
    const close = moved((i) => [0, 0.1, 0.301, 0.303][i]!);
    expect(close.question).toMatchObject({ answers: [2, 3] });
    expect(close.reveal).toMatch(/^C and D are now 1.35 times as likely/);
  });

  it('has the right answer to which tries become likelier', () => {
    const { question } = walk('grpo', group())[1]!;
    if (question?.kind !== 'choice') throw new Error('no choice');
    expect(question.choices[question.answer]).toBe('The 2 above the mean');
    expect(new Set(question.choices).size).toBe(question.choices.length);
  });
});

describe('PPO', () => {
  const withValues = (i: number): TokenTrace => ({
    ...trace(i),
    reward: [-0.1, 2],
    value: [1, 0.5],
    advantage: [0.4, 1.2],
  });

  it('estimates advantages with the lambda that was chosen', () => {
    const of = group({}, withValues);
    const options = updateOptions({ algorithm: 'ppo', gamma: 1 });
    const values = (lambda: number) => {
      const { view } = walkThrough(of, options, { scale: 'group', sample: 0, lambda })[3]!;
      if (view.kind !== 'tokens') throw new Error('no tokens');
      return view.values;
    };
    // delta = [-0.1 + 0.5 - 1, 2 - 0.5]
    expect(values(0)[0]).toBeCloseTo(-0.6, 12);
    expect(values(1)[0]).toBeCloseTo(-0.6 + 1.5, 12);
    expect(values(0)[1]).toBeCloseTo(1.5, 12);
  });

  it('knows what the value model expected', () => {
    const { question } = walk('ppo', group({}, withValues))[2]!;
    // 1 was expected, 1.9 came.
    expect(question).toMatchObject({ choices: ['Higher', 'Lower'], answer: 1 });
  });

  it('shows the loss of the value model, flat beyond its range on the way to the return', () => {
    const step = walk('ppo', group({}, withValues), { lam: 1, cliprange_value: 0.2 })[6]!;
    // The last token: 0.5 was expected, 2 came.
    expect(step.question).toMatchObject({ kind: 'choice', answer: 0 });
    if (step.view.kind !== 'curve') throw new Error('no curve');
    const { f, band, start } = step.view;
    expect([start, ...band!]).toEqual([0.5, 0.3, 0.7]);
    expect(f(0.5)).toBeCloseTo(1.5 ** 2 / 2, 12);
    expect(f(0.6)).toBeLessThan(f(0.5));
    expect(f(1.5)).toBeCloseTo(f(0.7), 12);
    expect(f(0)).toBeGreaterThan(f(0.3));
  });

  it('ends after the rewards where there are no numbers of tokens', () => {
    const steps = walk('ppo', group());
    expect(titles(steps)).toEqual(['Rewards']);
    expect(steps[0]!.reveal).toMatch(/the walk ends here/);
  });
});

describe('DPO', () => {
  const pair = { chosen: 3, rejected: 0 };

  it('takes the margin over the reference through the sigmoid', () => {
    const steps = walk(
      'dpo',
      group({ pair }, (i) => ({ ...trace(i), logp: [i - 5, -0.5] })),
      {
        beta: 0.1,
      },
    );
    // Chosen: -2 against -1.5; rejected: -5 against -1.5.
    expect(tries(steps[2]!.view)).toEqual([
      expect.closeTo(-0.35),
      null,
      null,
      expect.closeTo(-0.05),
    ]);
    const { question } = steps[3]!;
    if (question?.kind !== 'guess') throw new Error('nothing to guess');
    expect(question.answer).toBeCloseTo(100 / (1 + Math.exp(-0.3)), 12);
    const pushes = tries(steps[4]!.view);
    expect(pushes[3]).toBeCloseTo(0.1 / (1 + Math.exp(0.3)), 12);
    expect(pushes[0]).toBe(-pushes[3]!);
    expect(pushes[1]).toBe(0);
  });

  it('goes from the pair to the update where log-probs are missing', () => {
    expect(titles(walk('dpo', group({ pair })))).toEqual([
      'Rewards',
      'Best against worst',
      'What the update did',
    ]);
  });

  it('stops where there is no pair', () => {
    expect(titles(walk('dpo', group()))).toEqual(['Rewards', 'No pair, no gradient']);
    expect(titles(walk('dpo', group({ std: 0 })))).toEqual(['Rewards', 'No gradient here']);
  });
});

describe('thoughts that were closed for the model', () => {
  const full = (i: number): TokenTrace => ({
    ...trace(i),
    ...{ reward: [0, 2], value: [1, 0.5], advantage: [0.4, 1.2] },
  });
  const said = (algorithm: string, closed: number[], at: number): string => {
    const one = group({ pair: { chosen: 3, rejected: 0 } }, full);
    const samples = one.samples.map((s, i) => ({ ...s, thoughtCut: closed.includes(i) }));
    return walk(algorithm, { ...one, samples })[at]!.reveal;
  };
  const sentence = (tries: string): string =>
    `In ${tries} the tag that ends the thought was written for the model (max_thought_length), so its tokens are left out of the loss.`;

  // Try A has the first of the strongest pushes, so it is on view.
  it.each([
    ['grpo', 4, [0, 1], 'A'],
    ['ppo', 1, [0, 1], 'A'],
    ['dpo', 4, [0, 1, 3], 'D and A'],
  ])('are named in the walk of %s', (algorithm, at, closed, tries) => {
    expect(said(algorithm, closed, at)).toContain(sentence(tries));
    expect(said(algorithm, [1], at)).not.toContain('written for the model');
  });
});

describe('questions', () => {
  it('tell right from wrong', () => {
    expect(isRight({ kind: 'choice', text: '', choices: ['a', 'b'], answer: 1 }, 1)).toBe(true);
    expect(isRight({ kind: 'pick', text: '', options: [[0], [1], [2]], answers: [0, 2] }, 2)).toBe(
      true,
    );
    expect(isRight({ kind: 'pick', text: '', options: [[0], [1], [2]], answers: [0, 2] }, 1)).toBe(
      false,
    );
    const guess = { kind: 'guess', text: '', ...sliderFor(1.4), answer: 1.4 } as const;
    expect(isRight(guess, 1.4 + guess.tolerance)).toBe(true);
    expect(isRight(guess, 1.4 + 1.1 * guess.tolerance)).toBe(false);
  });

  it('have sliders with room beyond the answer', () => {
    for (const answer of [-340, -0.2, 0, 1.4, 7.3]) {
      const { min, max } = sliderFor(answer);
      expect(min).toBeLessThan(answer);
      expect(max).toBeGreaterThan(answer);
    }
  });

  it('find all of the largest', () => {
    expect(largest([1, 3, 2, 3])).toEqual([1, 3]);
  });
});

describe('what can be picked', () => {
  const asked = (responses: string[]): Step => {
    const one = group();
    const samples = one.samples.map((sample, i) => ({ ...sample, response: responses[i]! }));
    return walk('grpo', { ...one, samples })[0]!;
  };

  it('is each response once, however many tries gave it', () => {
    const { question } = asked(['rice', 'soup', 'rice', 'soup']);
    if (question?.kind !== 'pick') throw new Error('nothing to pick');
    expect(question.options).toEqual([
      [0, 2],
      [1, 3],
    ]);
    // Try D got the most: the second option is right although B got less.
    expect(isRight(question, 1)).toBe(true);
    expect(isRight(question, 0)).toBe(false);
  });

  it('is nothing where all responses are the same', () => {
    expect(asked(['rice', 'rice', 'rice', 'rice']).question).toBeUndefined();
  });

  it.each([
    ['all rewards above zero', [1, 4, 2, 5]],
    ['none above zero', [-1, -4, -2, -5]],
    ['only the best above zero', [-1, -4, -2, 5]],
    ['one above the mean', [0, 0, 0, 5]],
    ['two best', [1, 5, 5, 0]],
    ['as many above zero as above the mean', [-3, 4, -2, 5]],
  ])('never means the same tries twice: %s', (_, rewards) => {
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / 4;
    const samples = group().samples.map((sample, i) => ({ ...sample, reward: rewards[i]! }));
    const { question } = walk('grpo', { ...group(), samples, mean, std: std(rewards) })[1]!;
    if (question?.kind !== 'choice') throw new Error('no choice');
    expect(question.choices.length).toBeGreaterThan(2);
    const above = rewards.filter((reward) => reward > mean).length;
    const positive = rewards.filter((reward) => reward > 0).length;
    const sizes = question.choices.flatMap((choice) => {
      if (choice === 'Only the best one')
        return rewards.filter((r) => r === Math.max(...rewards)).length;
      if (choice.includes('above zero')) return positive;
      if (choice.startsWith('All')) return 4;
      return choice.includes('above the mean') ? above : [];
    });
    expect(new Set(sizes).size).toBe(sizes.length);
    expect(sizes).not.toContain(0);
  });
});
