/** What is asked of two policies while the run trains on, and while others ask about another run. */
import { beforeEach, expect, it, vi } from 'vitest';

/** The last checkpoint of each run, and what happens after each batch that is written. */
const { steps, during, freed } = vi.hoisted(() => ({
  steps: { a: 3, b: 70 },
  during: { batch: (): void => undefined },
  freed: [] as string[],
}));

vi.mock('../../src/rl/runs/checkpoints.ts', () => ({
  lastCheckpoint: ({ id }: { id: 'a' | 'b' }) => Promise.resolve(steps[id]),
  findCheckpoint: ({ id }: { id: 'a' | 'b' }) => Promise.resolve({ found: { step: steps[id] } }),
  runCheckpoint: ({ id }: { id: string }, step: number) => `${id} ${step}`,
}));
vi.mock('../../src/app/pair-policies.ts', () => ({
  loadPolicies: (_: unknown, __: unknown, folder: string) =>
    Promise.resolve({ base: policyOf(`before ${folder}`), trained: policyOf(folder) }),
  freePolicies: ({ trained }: { trained: { model: string } }) => void freed.push(trained.model),
}));
/** Writes three drafts, unless `onDraft` throws. */
vi.mock('../../src/app/answer.ts', () => ({
  samplingOf: () => ({}),
  checkWords: () => undefined,
  answer: async ({ model }: { model: string }, _: unknown, __: unknown, onDraft: OnDraft) => {
    // The policy after training is slower.
    for (let i = 0; i < 3; i++) await new Promise((go) => setTimeout(go, model[0] === 'b' ? 0 : 5));
    const draft = { thought: null, response: model };
    onDraft(draft);
    expect(freed).not.toContain(model);
    return draft;
  },
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

type OnDraft = (draft: { response: string }) => void;
const policyOf = (model: string) => ({ model, tokenizer: {} });

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

const QUESTION = { prompt: 'x', temperature: 1, seed: 1 };

beforeEach(() => {
  steps['a'] = 3;
  during.batch = () => undefined;
  freed.length = 0;
});

it('a blind round has one checkpoint throughout, and names it, while the run writes newer ones', async () => {
  const pair = pairOf();
  during.batch = () => steps.a++;
  const written: number[] = [];
  const { trained, rows } = await pair.blindRound('a', SIZE, (count) => written.push(count));
  expect(trained).toEqual({ step: 3 });
  expect(rows).toHaveLength(6);
  expect(new Set(rows.map(({ first }) => first.response))).toEqual(new Set(['a 3']));
  expect(new Set(rows.map(({ second }) => second.response))).toEqual(new Set(['before a 3']));
  expect(written).toEqual([2, 4, 6, 8, 10, 12]);
  during.batch = () => undefined;
  expect(await pair.writeBoth('a', ['x'], 0)).toMatchObject({ trained: { step: 9 } });
});

it('both sides that a judge compares are of one checkpoint', async () => {
  during.batch = () => steps.a++;
  const both = await pairOf().writeBoth('a', ['x', 'y'], 1);
  expect(both.trained).toEqual({ step: 3 });
  expect(both.before.map(({ response }) => response)).toEqual(['before a 3', 'before a 3']);
  expect(both.after.map(({ response }) => response)).toEqual(['a 3', 'a 3']);
});

it('a call is about the run that it names, whatever others ask meanwhile', async () => {
  const pair = pairOf();
  const asked: Promise<unknown>[] = [];
  during.batch = () => {
    during.batch = () => undefined;
    asked.push(pair.writeBoth('b', ['x'], 0));
  };
  const round = pair.blindRound('a', SIZE, () => undefined);
  const second = pair.blindRound('a', { ...SIZE, seed: 2 }, () => undefined);
  for (const { trained, rows } of [await round, await second]) {
    expect(trained).toEqual({ step: 3 });
    expect(new Set(rows.map(({ first }) => first.response))).toEqual(new Set(['a 3']));
  }
  expect(await asked[0]).toMatchObject({ trained: { step: 70 }, after: [{ response: 'b 70' }] });
});

it('a question says which checkpoint answers it, and keeps it until both sides have ended', async () => {
  const pair = pairOf();
  const heard: unknown[] = [];
  const ask = (run: string): Promise<void> =>
    pair.ask(
      run,
      QUESTION,
      (trained) => heard.push(trained),
      (side) => {
        // The first side to write fails; the other one writes on.
        if (run === 'a' && side === 'base') throw new Error('gone');
      },
    );
  const first = ask('a');
  const second = ask('b');
  await expect(first).rejects.toThrow('gone');
  expect(freed).toEqual([]);
  await second;
  expect(heard).toEqual([{ step: 3 }, { step: 70 }]);
  expect(freed).toEqual(['a 3']);
});

it('stops what it is told to stop, and nothing else', async () => {
  const pair = pairOf();
  const waits = pair.blindRound('a', SIZE, () => undefined);
  const question = pair.ask('a', QUESTION, never, never);
  await pair.stop('judging');
  await pair.stop('question');
  await expect(question).rejects.toThrow('The question was stopped.');
  await waits;
  const answered = pair.ask('a', QUESTION, ignore, ignore);
  await pair.stop('judging');
  await answered;
});

const ignore = (): void => undefined;
const never = (): void => {
  throw new Error('it was stopped before its turn');
};
