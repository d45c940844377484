/** A .zip of a run that is not as this version writes it, comes twice, or finds no room. */
import { makeZip } from 'client-zip';
import { describe, expect, it } from 'vitest';
import { importRun, type DataShelf } from '../../src/app/runs/import-run.ts';
import { storedRecipe } from '../../src/app/runs/stored-recipe.ts';
import { listRuns, openRun } from '../../src/app/runs/stored-runs.ts';
import { blobSource, type FileSource } from '../../src/model/files.ts';
import { within } from '../../src/rl/runs/run-folder.ts';
import { listingsOf } from '../../src/ui/runs/listings.ts';
import { memoryFolder } from './memory-folder.ts';

const RECIPE = `algorithm: grpo
model_name_or_path: my-run/models/mine
reward_funcs: [my-run/data/kind.js]
world: meal-planner
max_steps: 2
`;
const FILES = {
  'recipe.yaml': RECIPE,
  'run.json': '{"name": "My run", "slot": 4}',
  'metrics.jsonl': '{"step":0,"eval_reward":1}\n{"step":1,"reward":2}\n{"step":2,"reward":3}\n',
  'evaluations/step-0.jsonl': '{"prompt":"menu","response":"tea","reward":1}\n',
  'data/kind.js': 'export default () => 1;',
  'models/mine/config.json': '{"model_type": "llama"}',
};

const zipOf = (files: Record<string, string>, top = 'my-run/'): Promise<Blob> =>
  new Response(
    makeZip(Object.entries(files).map(([name, input]) => ({ name: top + name, input }))),
  ).blob();

/** What a browser stores. `disk` fails when it has no room. */
function browser() {
  const folder = memoryFolder();
  const shelved = new Map<string, string>();
  const models = new Map<string, FileSource[]>();
  const disk = { write: (): void => undefined };
  const runs: typeof folder = {
    ...folder,
    async write(path, data) {
      disk.write();
      await folder.write(path, data);
    },
  };
  const shelf: DataShelf = {
    read: (name) => Promise.resolve(shelved.get(name)),
    async write(name, text) {
      shelved.set(name, '');
      disk.write();
      await Promise.resolve(shelved.set(name, text));
    },
    remove: (name) => Promise.resolve(void shelved.delete(name)),
    modelFiles: (name) => Promise.resolve(models.get(name)),
    async storeModel(name, files) {
      disk.write();
      const sources: FileSource[] = [];
      for (const [file, { stream }] of files) {
        sources.push(blobSource(`${name}/${file}`, await new Response(stream()).blob()));
      }
      models.set(name, sources);
    },
    removeModel: (name) => Promise.resolve(void models.delete(name)),
  };
  const stored = (): string[] => [...folder.files.keys(), ...shelved.keys(), ...models.keys()];
  return { runs, shelf, shelved, models, disk, stored };
}

it('opened twice, it is two runs that share their rules and models', async () => {
  const { runs, shelf, shelved, models } = browser();
  const zip = await zipOf(FILES);
  await importRun(runs, 'run-8', zip, shelf);
  await importRun(runs, 'run-9', zip, shelf);
  const listed = await listRuns(runs, {});
  expect(listed.map(({ id, problems }) => [id, problems])).toEqual([
    ['run-8', []],
    ['run-9', []],
  ]);
  expect(listed[1]!.recipe).toEqual(listed[0]!.recipe);
  expect([...shelved.keys(), ...models.keys()]).toEqual(['kind.js', 'mine']);
  const around = { held: new Set<string>(), here: [], taken: [1], nameOf: () => '' };
  const shown = listingsOf(listed, around).map(({ facts: { name, slot } }) => [name, slot]);
  expect(shown).toEqual([
    ['My run', 4],
    ['My run', 5],
  ]);
  // The evaluation before training is there, too.
  const { reports } = await openRun(runs, 'run-9');
  expect(reports.map(({ metrics }) => metrics.step)).toEqual([0, 1, 2]);
  expect(reports[0]!.evaluation).toHaveLength(1);
});

describe('a model of the same name and size as a stored one', () => {
  const JUDGE = `${RECIPE}reward_model_name_or_path: my-run/models/my-taste\n`;
  /** Larger than what is unpacked at once, so that the difference may lie in a later piece. */
  const weights = (last: string): string => 'w'.repeat(100_000) + last;
  const zipWith = (last: string, more: Record<string, string> = {}): Promise<Blob> =>
    zipOf({
      ...{ ...FILES, 'recipe.yaml': JUDGE, 'models/my-taste/config.json': '{}' },
      'models/my-taste/model.safetensors': weights(last),
      ...more,
    });

  it('is stored beside it if one byte differs, and the run trains with its own', async () => {
    const { runs, shelf, models } = browser();
    const zips = [await zipWith('a'), await zipWith('b')];
    for (const [i, zip] of [...zips, ...zips].entries()) {
      await importRun(runs, `run-${i}`, zip, shelf);
    }
    const judges = (await listRuns(runs, {})).map(
      ({ recipe }) => recipe['reward_model_name_or_path'],
    );
    expect(judges).toEqual([1, 2, 1, 2].map((i) => `stored:my-taste${i === 1 ? '' : '-2'}`));
    expect([...models.keys()]).toEqual(['mine', 'my-taste', 'my-taste-2']);
    const stored = ['my-taste', 'my-taste-2'].map((name) =>
      models.get(name)!.find(({ path }) => path.endsWith('.safetensors'))!,
    );
    const ends = await Promise.all(stored.map((source) => source.read(100_000)));
    expect(ends.map((end) => new TextDecoder().decode(end))).toEqual(['a', 'b']);
  });

  it('is another model if its files have other names or sizes', async () => {
    const { runs, shelf, models } = browser();
    const zip = (files: Record<string, string>): Promise<Blob> =>
      zipOf({ 'recipe.yaml': 'seed: 1', ...files });
    const [a, b] = ['models/my-taste/config.json', 'models/my-taste/tokenizer.json'] as const;
    const different: Record<string, string>[] = [
      { [a]: '{}' },
      { [b]: '{}' },
      { [a]: '{', [b]: '}' },
      { [a]: '{', [b]: ']' },
    ];
    for (const [i, files] of different.entries()) {
      await importRun(runs, `run-${i}`, await zip(files), shelf);
    }
    expect(models.size).toBe(different.length);
  });

  it.each(['checkpoints/step-2', 'models/mine'])(
    'is refused if an adapter in %s needs it, and nothing of the run stays',
    async (folder) => {
      const { runs, shelf, stored } = browser();
      await importRun(runs, 'run-1', await zipWith('a'), shelf);
      const before = stored();
      const adapter = (base: unknown): Record<string, string> => ({
        [`${folder}/adapter_config.json`]: JSON.stringify({ base_model_name_or_path: base }),
      });
      const opening = importRun(runs, 'run-2', await zipWith('b', adapter('me/my-taste')), shelf);
      await expect(opening).rejects.toThrow(/needs its base my-taste.*delete that model/);
      expect(stored()).toEqual(before);
      // The base of another adapter is not in the .zip.
      await importRun(runs, 'run-3', await zipWith('b', adapter('me/other')), shelf);
      await importRun(runs, 'run-4', await zipWith('b', adapter(null)), shelf);
    },
  );
});

it('of another version opens with what is known here, and says why it cannot go on', async () => {
  const { runs, shelf } = browser();
  const facts = { name: 5, note: 'better', slot: 'B', deleted: 1, ended: 'paused' };
  const zip = await zipOf({
    ...FILES,
    'recipe.yaml': `${RECIPE}from_the_future: 1\n`,
    'run.json': JSON.stringify(facts),
    'traces/step-1.bin': 'x',
    'version.txt': '9',
  });
  await importRun(runs, 'run-9', zip, shelf);
  expect([...runs.files.keys()].filter((path) => /traces|version/.test(path))).toEqual([]);
  const [run] = await listRuns(runs, {});
  expect(run!.problems).toEqual([]);
  expect(run!.rows).toHaveLength(3);
  expect(run!.facts).toEqual({
    ...{ name: '', note: 'better', started: 9, slot: 0, overlaid: false },
  });
  await expect(storedRecipe(within(runs, 'run-9'))).rejects.toThrow(
    /^recipe\.yaml, line \d+: unknown key from_the_future;/,
  );
  // Of an early version only the recipe may be there.
  await importRun(runs, 'run-10', await zipOf({ 'recipe.yaml': 'seed: 1' }), shelf);
  const early = (await listRuns(runs, {})).find(({ id }) => id === 'run-10')!;
  expect(early.problems).toEqual(['metrics.jsonl is missing: this run has no curves.']);
});

it('leaves nothing behind wherever the disk is full', async () => {
  const zip = await zipOf(FILES);
  let writes = 0;
  for (let full = 0; ; full++) {
    const { runs, shelf, disk, stored } = browser();
    writes = 0;
    disk.write = () => {
      if (writes++ === full) throw new Error('The disk is full.');
    };
    const outcome = await importRun(runs, 'run-9', zip, shelf).catch((error: unknown) => error);
    if (outcome === undefined) break;
    expect(outcome).toEqual(new Error('The disk is full.'));
    expect(stored(), `write ${full}`).toEqual([]);
  }
  // A rule, four files of the run, a model, the recipe with its paths here, and the facts.
  expect(writes).toBe(8);
});

it('is refused before anything is written if it takes too much when it is unpacked', async () => {
  const { runs, shelf, stored } = browser();
  const unpacked = Object.values(FILES).reduce((sum, { length }) => sum + length, 0);
  const checkRoom = (bytes: number): Promise<void> => {
    expect(bytes).toBe(unpacked);
    return Promise.reject(new Error('too little room'));
  };
  const importing = importRun(runs, 'run-9', await zipOf(FILES), shelf, { checkRoom });
  await expect(importing).rejects.toThrow('too little room');
  expect(stored()).toEqual([]);
});

it.each([
  ['data/../x.js'],
  ['data/..'],
  ['data/sub/x.js'],
  ['models/../config.json'],
  ['models/mine/../../config.json'],
  ['completions/../../run-1/step-1.jsonl'],
  ['../run-1/metrics.jsonl'],
  ['checkpoints/step-1/..\\..\\x'],
])('stores no file %s', async (path) => {
  const { runs, shelf, stored } = browser();
  const zip = await zipOf({ 'recipe.yaml': 'seed: 1', [path]: 'x' });
  await importRun(runs, 'run-9', zip, shelf).catch(() => undefined);
  expect(stored().filter((name) => !/^run-9\/(recipe\.yaml|run\.json)$/.test(name))).toEqual([]);
});
