import { afterEach, describe, expect, it, vi } from 'vitest';
import { fetchRecordedRun } from './recorded.ts';

const answer = (body: string, status = 200): void => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, { status })));
};

afterEach(() => vi.unstubAllGlobals());

describe('fetchRecordedRun', () => {
  it('returns a run', async () => {
    const run = {
      recipe: { seed: 1 },
      adapter: 'x',
      steps: [{ metrics: { step: 1 }, group: { prompt: 'p', samples: [], mean: 0, std: 0 } }],
    };
    answer(JSON.stringify(run));
    expect(await fetchRecordedRun('./run.json')).toEqual(run);
  });

  it.each([
    ['a missing file', 'not found', 404],
    ['a start page in its place', '<!doctype html>', 200],
    ['another file', '{"steps": 3}', 200],
    ['steps of another shape', '{"recipe": {}, "steps": [null]}', 200],
  ])('says in a sentence that there is no run: %s', async (_, body, status) => {
    answer(body, status);
    await expect(fetchRecordedRun('./run.json')).rejects.toThrow(/without a recorded run/);
  });

  it('says what to do when the network fails', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    await expect(fetchRecordedRun('./run.json')).rejects.toThrow(/check the connection/);
  });
});
