/** What is on view, and what trains, when requests overlap: workers answer when a test lets them. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { unknownFacts } from '../../app/runs/facts.ts';
import type { OpenedRun } from '../../app/runs/stored-runs.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { ListedRun } from '../runs/listed-run.svelte.ts';

const { worker, looking } = vi.hoisted(() => ({
  worker: { opened: new Map<string, (run: OpenedRun) => void>() },
  looking: [] as ((problem: null) => void)[],
}));

vi.mock('../runs/runs-worker.ts', () => ({
  runsWorker: () => ({
    open: (id: string) => new Promise((resolve) => worker.opened.set(id, resolve)),
    changeFacts: () => Promise.resolve(true),
    remove: () => Promise.resolve(),
  }),
  storedReports: () => undefined,
}));
vi.mock('../webgpu.ts', () => ({
  findGpuProblem: () => new Promise((resolve) => looking.push(resolve)),
}));

const { PageState } = await import('./page-state.svelte.ts');
type PageState = InstanceType<typeof PageState>;

beforeEach(() => {
  vi.stubGlobal('location', { hash: '', search: '', pathname: '/' });
  vi.stubGlobal('window', { addEventListener: () => undefined });
  worker.opened.clear();
  looking.length = 0;
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
    page.recorded = { recipe: {}, steps: [] } as unknown as PageState['recorded'];
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
