/** A blind round while the run trains on, and while another run is chosen. */
import { beforeEach, expect, it, vi } from 'vitest';

/** The last checkpoint of each run, and what happens after each batch that is written. */
const { steps, during } = vi.hoisted(() => ({
  steps: { a: 3, b: 70 },
  during: { batch: (): void => undefined },
}));

vi.mock('../../src/rl/runs/checkpoints.ts', () => ({
  lastCheckpoint: ({ id }: { id: 'a' | 'b' }) => Promise.resolve(steps[id]),
  findCheckpoint: ({ id }: { id: 'a' | 'b' }) => Promise.resolve({ found: { step: steps[id] } }),
  runCheckpoint: ({ id }: { id: string }, step: number) => `${id} ${step}`,
}));
vi.mock('../../src/app/pair-policies.ts', () => ({
  loadPolicies: (_: unknown, __: unknown, folder: string) =>
    Promise.resolve({ base: { model: `before ${folder}` }, trained: { model: folder } }),
  freePolicies: () => undefined,
}));
vi.mock('../../src/rl/rollout/sample.ts', () => ({
  UNFILTERED: {},
  sampleCompletions: (model: string, _: unknown, prompts: string[]) => {
    during.batch();
    const samples = [{ thought: null, response: model }];
    return Promise.resolve(prompts.map((prompt) => ({ prompt, samples })));
  },
}));
vi.mock('../../src/app/run-judges.ts', () => ({
  RunJudges: class {
    judge = (_: unknown, texts: unknown[]): Promise<unknown> =>
      Promise.resolve(texts.map(() => ({ reward: 1 })));
  },
}));

const { PolicyPair } = await import('../../src/app/policy-pair.ts');

const recipe = {
  ...{ algorithm: 'grpo', world: 'meal-planner' },
  ...{ model_name_or_path: 'policy', reward_model_name_or_path: 'judge' },
};
const yaml = new TextEncoder().encode(JSON.stringify(recipe));
const pairOf = (): InstanceType<typeof PolicyPair> => {
  const run = (id: string) => ({
    id,
    open: () => Promise.resolve({ size: yaml.length, read: () => Promise.resolve(yaml) }),
  });
  const around = { gpu: { lost: new Promise(() => undefined) }, run };
  return new PolicyPair(() => Promise.resolve(around as never), {});
};
const SIZE = { prompts: 6, batch: 2, seed: 1 };

beforeEach(() => {
  steps['a'] = 3;
  during.batch = () => undefined;
});

it('has one checkpoint throughout, and names it, while the run writes newer ones', async () => {
  const pair = pairOf();
  await pair.choose('a');
  during.batch = () => steps.a++;
  const written: number[] = [];
  const { trained, rows } = await pair.blindRound(SIZE, (count) => written.push(count));
  expect(trained).toEqual({ step: 3 });
  expect(rows).toHaveLength(6);
  expect(new Set(rows.map(({ first }) => first.response))).toEqual(new Set(['a 3']));
  expect(new Set(rows.map(({ second }) => second.response))).toEqual(new Set(['before a 3']));
  expect(written).toEqual([2, 4, 6, 8, 10, 12]);
  during.batch = () => undefined;
  expect(await pair.look()).toMatchObject({ trained: { step: 9 } });
});

it('is about the run that was chosen when it was asked for', async () => {
  const pair = pairOf();
  const asked: Promise<unknown>[] = [];
  await pair.choose('a');
  during.batch = () => {
    during.batch = () => undefined;
    void pair.choose('b');
    asked.push(pair.write('trained', ['x'], 1, 0));
  };
  const round = pair.blindRound(SIZE, () => undefined);
  // This one waits for its turn, and another run is chosen meanwhile.
  const second = pair.blindRound({ ...SIZE, seed: 2 }, () => undefined);
  for (const { trained, rows } of [await round, await second]) {
    expect(trained).toEqual({ step: 3 });
    expect(new Set(rows.map(({ first }) => first.response))).toEqual(new Set(['a 3']));
  }
  expect(await asked[0]).toMatchObject([{ samples: [{ response: 'b 70' }] }]);
});
