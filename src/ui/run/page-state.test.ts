/** What is on view, and what trains, when requests overlap: workers answer when a test lets them. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { unknownFacts } from '../../app/runs/facts.ts';
import { WHOLE } from '../../app/runs/kept-reports.ts';
import type { OpenedRun } from '../../app/runs/stored-runs.ts';
import type { NewRun, TrainingListener } from '../../app/training-service.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import type { StepReport } from '../../rl/report.ts';
import { ListedRun } from '../runs/listed-run.svelte.ts';
import type { GpuProblem } from '../webgpu.ts';

const { worker, looking, begun, measuring, TOO_LARGE } = vi.hoisted(() => ({
  worker: { opened: new Map<string, (run: OpenedRun) => void>() },
  looking: [] as ((problem: GpuProblem | null) => void)[],
  /** The runs whose training has begun. */
  begun: [] as { seed: unknown; recipe: RecipeValues; listener: TrainingListener }[],
  /** Measurements of the longest prompt that wait for an answer. */
  measuring: [] as ((longest: { prompt: number; response: number }) => void)[],
  /** A seed of a run that the storage has no room for. */
  TOO_LARGE: 9,
}));

vi.mock('../runs/runs-worker.ts', () => ({
  runsWorker: () => ({
    open: (id: string) => new Promise((resolve) => worker.opened.set(id, resolve)),
    list: () => Promise.reject(new Error('nothing is stored')),
    changeFacts: () => Promise.resolve(true),
    remove: () => Promise.resolve(),
  }),
  storedReports: () => undefined,
}));
vi.mock('../models/models-worker.ts', () => ({
  modelsWorker: () => ({
    runBytes: ({ seed }: RecipeValues) => Promise.resolve(seed === TOO_LARGE ? 100 : 0),
  }),
}));
vi.mock('./policy-worker.ts', () => ({
  connectPolicyWorker: () => ({
    service: {
      begin: ({ recipe }: NewRun, listener: TrainingListener) => {
        begun.push({ seed: recipe.seed, recipe, listener });
        return Promise.resolve();
      },
      start: () => Promise.resolve(),
    },
    close: () => undefined,
  }),
}));
vi.mock('../rewards/page-preview.ts', () => ({
  longestTexts: () => new Promise((resolve) => measuring.push(resolve)),
}));
vi.mock('../webgpu.ts', () => ({
  findGpuProblem: () => new Promise((resolve) => looking.push(resolve)),
}));

const { PageState } = await import('./page-state.svelte.ts');
const { ViewedRun } = await import('./viewed-run.svelte.ts');
type PageState = InstanceType<typeof PageState>;

beforeEach(() => {
  vi.stubGlobal('location', { hash: '', search: '', pathname: '/' });
  vi.stubGlobal('window', { addEventListener: () => undefined });
  const estimate = (): Promise<StorageEstimate> => Promise.resolve({ quota: 50, usage: 0 });
  vi.stubGlobal('navigator', { storage: { estimate } });
  worker.opened.clear();
  looking.length = 0;
  begun.length = 0;
  return () => vi.unstubAllGlobals();
});

const run = (id: string, recipe: RecipeValues = {}): ListedRun => {
  const facts = { ...unknownFacts(id), name: id };
  const length = { maxSteps: 2, savedStep: 2, end: 'finished' as const };
  return new ListedRun({ id, facts, recipe, ...length }, []);
};

function pageWith(...runs: ListedRun[]): PageState {
  const page = new PageState();
  page.runs.list = runs;
  return page;
}

/** The worker has read the run: so many steps. */
async function opens(id: string, steps: number): Promise<void> {
  const reports = Array.from({ length: steps }, (_, i) => ({ metrics: { step: i + 1 } }));
  worker.opened.get(id)!({ reports, problems: [`of ${id}`] });
  await settled();
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the run on view', () => {
  it('is the one that was asked for last, also when an earlier one takes longer to read', async () => {
    const [long, short] = [run('long'), run('short')];
    const page = pageWith(long, short);
    void page.view(long);
    void page.view(short);
    await opens('short', 2);
    expect([page.runs.onView, page.run.reports.length]).toEqual(['short', 2]);
    await opens('long', 5);
    expect([page.runs.onView, page.run.reports.length]).toEqual(['short', 2]);
    // What is wrong with it was read all the same.
    expect(long.problems).toEqual(['of long']);

    // The newest request counts even while it is read itself.
    void page.view(long);
    void page.view(short);
    await opens('long', 5);
    expect(page.run.reports.length).toBe(2);
    void page.view(long);
    await opens('long', 5);
    expect([page.runs.onView, page.run.reports.length]).toEqual(['long', 5]);
  });

  it('stays when something else was put on view while a run was read', async () => {
    const stored = run('stored');
    const page = pageWith(stored);
    vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ recipe: {}, steps: [] })));
    await page.recordings.fetchFirst();
    void page.view(stored);
    page.showRecorded(true);
    await opens('stored', 5);
    expect([page.runs.onView, page.run.reports.length]).toEqual(['recorded', 0]);
  });

  it('is not one that was deleted while it was read', async () => {
    const stored = run('stored');
    const page = pageWith(stored);
    void page.view(stored);
    await page.remove(stored);
    await opens('stored', 5);
    expect(page.runs.onView).toBe(null);
  });
});

it('a run has room for the longest of its own prompts, and no later run has that room', async () => {
  const page = pageWith();
  const texts = { prompts: ['a'], heldOut: [], responses: [] };
  const files = ['long.jsonl', 'short.jsonl'];
  page.rewards.promptFiles = files.map((file) => ({ file, kind: 'prompts' as const, ...texts }));
  page.rewards.promptFile = 'long.jsonl';
  void page.train();
  await settled();
  // Other prompts are chosen while these are measured.
  page.rewards.promptFile = 'short.jsonl';
  measuring.shift()!({ prompt: 500, response: 1 });
  await settled();
  looking.shift()!(null);
  await settled();
  const [{ recipe }] = begun as [(typeof begun)[0]];
  expect(recipe['max_prompt_length']).toBe(500);
  expect(JSON.stringify(recipe['datasets'])).toContain('long.jsonl');
  expect(JSON.stringify(page.nextRecipe['datasets'])).toContain('short.jsonl');
  expect(page.nextRecipe).not.toHaveProperty('max_prompt_length');
});

const group = { prompt: 'p', samples: [], mean: 0, std: 0 };
const reports = Array.from({ length: WHOLE + 50 }, (_, i): StepReport => ({
  metrics: { step: i + 1 },
  group,
}));

it('reads what is shown of a run also if the reading of the run before it fails', async () => {
  const run = new ViewedRun();
  let fail: (error: Error) => void = () => undefined;
  const readAll = (): Promise<StepReport[]> => Promise.resolve(reports);
  run.reset(reports.length, { readAll, read: () => new Promise((_, reject) => (fail = reject)) });
  run.push(...reports);
  run.seek(5);
  run.reset(reports.length, {
    readAll,
    read: ({ metrics }) => Promise.resolve({ metrics, group }),
  });
  run.push(...reports);
  run.seek(5);
  fail(new Error('it was deleted'));
  await settled();
  expect(run.current!.group).toEqual(group);
});

it('a run on view in training has evaluations to come, a stored or stopped one has none', async () => {
  const stored = run('stored', { eval_steps: 10 });
  const page = pageWith(stored);
  void page.view(stored);
  await opens('stored', 2);
  expect(page.schedule).toBeUndefined();
  void page.trainWith({ eval_steps: 5 });
  await settled();
  looking.shift()!(null);
  await settled();
  const { listener } = begun[0]!;
  listener.onStatus({ phase: 'training', step: 1, maxSteps: 12 });
  expect(page.schedule).toEqual({ every: 5, total: 12 });
  listener.onStatus({ phase: 'stopped', step: 1, maxSteps: 12 });
  expect(page.schedule).toBeUndefined();
});

describe('the settings of a run', () => {
  it('go to the recipe, in place of all that was set and chosen before', () => {
    vi.stubGlobal('history', { pushState: () => undefined });
    const page = pageWith(run('other', { seed: 7, thinking: false, beta: 0 }));
    page.settings.replace({ seed: 3, learning_rate: 0.1 });
    page.duplicate(page.runs.list[0]!);
    expect(page.settings.overrides).toEqual({ seed: 7, thinking: false, beta: 0 });
    expect(page.runs.list).toHaveLength(1);
  });
});

describe('runs that wait', () => {
  const twin = (seed: number) => ({ label: `seed ${seed}`, change: { seed } });
  const seeds = (): unknown[] => begun.map(({ seed }) => seed);
  const waiting = (page: PageState): string[] => page.queue.map(({ label }) => label);
  /** The page has looked for a graphics card. */
  const found = async (problem: GpuProblem | null = null): Promise<void> => {
    looking.shift()!(problem);
    await settled();
  };
  const finish = async (): Promise<void> => {
    begun.at(-1)!.listener.onStatus({ phase: 'finished', step: 2, maxSteps: 2 });
    await settled();
  };

  it('train one after the other, also if the second is asked for before the first begins', async () => {
    const of = run('of');
    const page = pageWith(of);
    void page.trainTwin(of, twin(1));
    void page.trainTwin(of, twin(2));
    await found();
    expect([seeds(), waiting(page)]).toEqual([[1], ['seed 2']]);
    await finish();
    await found();
    expect([seeds(), waiting(page)]).toEqual([[1, 2], []]);
    await finish();
    expect(looking).toEqual([]);
  });

  it('wait on while another run begins, or if none can', async () => {
    const of = run('of');
    const page = pageWith(of);
    void page.trainWith({ seed: 5 });
    void page.trainTwin(of, twin(1));
    await found('no-adapter');
    void page.startNext();
    await found('no-adapter');
    expect([seeds(), waiting(page)]).toEqual([[], ['seed 1']]);
    void page.startNext();
    await found();
    expect([seeds(), waiting(page)]).toEqual([[1], []]);
  });

  it('that are too large wait until they are trained anyway, and are trained once', async () => {
    const of = run('of');
    const page = pageWith(of);
    void page.trainTwin(of, twin(TOO_LARGE));
    await found();
    expect([seeds(), waiting(page)]).toEqual([[], ['seed 9']]);
    void page.tooLarge!.train();
    await found();
    expect([seeds(), waiting(page), page.tooLarge]).toEqual([[TOO_LARGE], [], null]);
  });

  it('are asked to be kept when they begin, not before', async () => {
    const persist = vi.fn(() => Promise.resolve(true));
    const estimate = (): Promise<StorageEstimate> => Promise.resolve({ quota: 50, usage: 0 });
    vi.stubGlobal('navigator', { storage: { estimate, persist } });
    const page = pageWith(run('of'));
    void page.trainWith({ seed: 5 });
    // What is not stored yet is stored first.
    await settled();
    expect(persist).not.toHaveBeenCalled();
    await found();
    expect([persist.mock.calls.length, page.storage.persisted]).toEqual([1, true]);
    expect([page.storage.used, page.storage.free]).toEqual([0, 50]);
  });

  it('do not begin after they were removed', async () => {
    const of = run('of');
    const page = pageWith(of);
    void page.trainTwin(of, twin(TOO_LARGE));
    await found();
    page.forget(page.queue[0]!);
    expect(page.tooLarge).toBe(null);
    void page.trainTwin(of, twin(1));
    page.forget(page.queue[0]!);
    await found();
    expect(seeds()).toEqual([]);
  });
});
