/** Stored runs: listed, damaged, exported to a .zip, opened again; their locks; what they will write. */
import { makeZip } from 'client-zip';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { exportRun, type Brought, type BroughtModel } from '../../src/app/runs/export-run.ts';
import { unknownFacts, writeFacts } from '../../src/app/runs/facts.ts';
import { folderName } from '../../src/app/runs/folder-name.ts';
import { importRun, type DataShelf } from '../../src/app/runs/import-run.ts';
import { heldRuns, holdRun, whenFree, whileHeld } from '../../src/app/runs/lock.ts';
import { isEmpty, listRuns, openRun, readRun, sizeOf } from '../../src/app/runs/stored-runs.ts';
import { runBytes } from '../../src/app/room.ts';
import { blobSource } from '../../src/model/files.ts';
import { makeRecipe, parseRecipe, recipeYaml } from '../../src/rl/recipe/recipe.ts';
import type { RecipeValues } from '../../src/rl/recipe/values.ts';
import type { RecordedRun } from '../../src/rl/runs/record.ts';
import { readText, within } from '../../src/rl/runs/run-folder.ts';
import { changesFromDefault } from '../../src/ui/runs/changes.ts';
import type { Group } from '../../src/rl/report.ts';
import { CONFIGS } from '../random-model.ts';
import { writeSafetensors } from '../safetensors.ts';
import { FakeLocks } from './fake-locks.ts';
import { memoryFolder } from './memory-folder.ts';

const page = parse(readFileSync('recipes/default.yaml', 'utf8')) as RecipeValues;
const line = (row: object): string => `${JSON.stringify(row)}\n`;
const sample = (text: string) => ({
  ...{ prompt: 'menu', completion: `so </think> ${text}`, thought: 'so', response: text },
  ...{ wellFormed: true, truncated: false, tokens: 3, reward: 1, advantage: 0 },
  trace: { text: ['so', ''], logp: [-1, -2], entropy: [1, 2] },
});

/** A run of two steps with its folder, as training writes it. */
async function storedRun(changes: RecipeValues = {}) {
  const runs = memoryFolder();
  const run = within(runs, 'run-7');
  await run.write(
    'recipe.yaml',
    recipeYaml(makeRecipe({ ...page, ...changes, save_total_limit: 2 })),
  );
  await run.write('metrics.jsonl', [1, 2].map((step) => line({ step, reward: step })).join(''));
  for (const step of [1, 2]) {
    await run.write(`completions/step-${step}.jsonl`, line({ step, ...sample(`${step}`) }));
  }
  await run.write('evaluations/step-2.jsonl', line(sample('judged')));
  await run.write('followed/step-2.jsonl', line(sample('followed')));
  for (const step of [1, 2]) {
    const at = `checkpoints/step-${step}`;
    const weights = writeSafetensors(
      new Map([['a', { shape: [2], values: Float32Array.of(step, 2) }]]),
    );
    await run.write(`${at}/model.safetensors`, weights);
    await run.write(`${at}/optimizer.safetensors`, weights);
    await run.write(`${at}/config.json`, '{}');
    await run.write(`${at}/trainer_state.json`, `{"global_step": ${step}}`);
  }
  await writeFacts(run, { ...unknownFacts('run-7'), name: 'My run', note: 'a note', slot: 4 });
  return { runs, run };
}

describe('a stored run', () => {
  it('is listed with its name, rows and last checkpoint, and opened with all that it wrote', async () => {
    const { runs, run } = await storedRun({ seed: 5 });
    const [listed, ...others] = await listRuns(runs, page);
    expect(others).toEqual([]);
    expect(listed).toMatchObject({ id: 'run-7', savedStep: 2, maxSteps: 150, finished: false });
    expect(listed!.problems).toEqual([]);
    expect(listed!.facts).toMatchObject({ name: 'My run', note: 'a note', started: 7, slot: 4 });
    expect(listed!.rows.map(({ reward }) => reward)).toEqual([1, 2]);
    const { reports, problems } = await openRun(runs, 'run-7');
    expect(problems).toEqual([]);
    expect(reports[0]!.group!.samples[0]).toMatchObject({
      thought: 'so',
      trace: { logp: [-1, -2] },
    });
    expect(reports[1]!.evaluation).toHaveLength(1);
    expect(reports[1]!.followed).toHaveLength(1);
    expect(await sizeOf(run)).toBe(
      [...runs.files.values()].reduce((sum, { size }) => sum + size, 0),
    );
  });

  it('keeps two groups of one prompt apart', async () => {
    const { runs, run } = await storedRun({ num_generations: 2, per_device_train_batch_size: 4 });
    const texts = ['a', 'b', 'c', 'd'].map((text) => line({ step: 1, ...sample(text) }));
    for (const kind of ['completions', 'followed']) {
      await run.write(`${kind}/step-1.jsonl`, texts.join(''));
    }
    const [first] = (await openRun(runs, 'run-7')).reports;
    const said = (group: Group): string[] => group.samples.map(({ response }) => response);
    expect(said(first!.group!)).toEqual(['a', 'b']);
    expect(first!.followed!.map(said)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('has a recipe that differs from the default one only where it was changed', async () => {
    const recorded = JSON.parse(readFileSync('public/recorded-run.json', 'utf8')) as RecordedRun;
    const changed = async (changes: RecipeValues): Promise<RecipeValues> => {
      const { runs } = await storedRun(changes);
      const { recipe } = await readRun(runs, 'run-7', page);
      // Trained again, it is the same recipe.
      expect(makeRecipe({ ...page, ...recipe })).toEqual(makeRecipe({ ...page, ...changes }));
      const list = changesFromDefault(recipe, recorded.recipe);
      return Object.fromEntries(list.map(({ key, to }) => [key, to]));
    };
    expect(await changed({})).toEqual({});
    expect(await changed({ seed: 5, thinking: false })).toEqual({ seed: 5, thinking: false });
    expect(await changed({ gold: null })).toEqual({ gold: null });
  });

  it.each([
    ['run.json', 'run.json is damaged: the name and the note are lost.'],
    ['recipe.yaml', 'recipe.yaml is damaged: this run cannot continue.'],
    ['metrics.jsonl', 'metrics.jsonl is damaged after step 1.'],
    [
      'checkpoints/step-2/optimizer.safetensors',
      'checkpoints/step-2/optimizer.safetensors is damaged: the run continues from step 1.',
    ],
  ])('with half of %s is listed with what is there', async (path, problem) => {
    const { runs, run } = await storedRun();
    const text = (await readText(run, path))!;
    await run.write(path, path === 'recipe.yaml' ? 'a: [1,' : text.slice(0, text.length - 8));
    const [listed] = await listRuns(runs, page);
    expect(listed!.problems).toEqual([problem]);
    expect(listed!.rows.length).toBeGreaterThan(0);
    expect((await openRun(runs, 'run-7')).reports.length).toBeGreaterThan(0);
  });

  it('without a file, or with half of its completions, names it', async () => {
    const { runs, run } = await storedRun();
    await run.remove('recipe.yaml');
    await run.remove('checkpoints/step-2/model.safetensors');
    const whole = line({ step: 1, ...sample('1') });
    await run.write('completions/step-1.jsonl', `{"step": 1, "prom\n${whole}`);
    const [listed] = await listRuns(runs, page);
    expect(listed!.problems).toEqual([
      'recipe.yaml is missing: this run cannot continue.',
      'checkpoints/step-2/model.safetensors is missing: the run continues from step 1.',
    ]);
    const { reports, problems } = await openRun(runs, 'run-7');
    expect(problems).toEqual(['completions/step-1.jsonl, line 1 is damaged: its row is lost.']);
    expect(reports.map(({ group }) => group?.samples.length)).toEqual([1, 1]);
  });

  it('is empty only if it has no step', async () => {
    const { runs, run } = await storedRun();
    const empty = async (): Promise<boolean> => isEmpty(runs, await readRun(runs, 'run-7', page));
    expect(await empty()).toBe(false);
    await run.write('metrics.jsonl', 'half');
    await run.remove('checkpoints');
    expect(await empty()).toBe(false);
    await run.remove('completions');
    expect(await empty()).toBe(true);
  });
});

/** Rules and prompts of a visitor, by name. */
const shelfOf = (files: Map<string, string>, models = new Map<string, string>()): DataShelf => ({
  read: (name) => Promise.resolve(files.get(name)),
  write: (name, text) => Promise.resolve(void files.set(name, text)),
  remove: (name) => Promise.resolve(void files.delete(name)),
  modelFiles: (name) =>
    Promise.resolve(
      models
        .get(name)
        ?.split('\n')
        .map((line) => /^(.+?): (.*)$/.exec(line)!)
        .map(([, file, text]) => blobSource(`${name}/${file}`, new Blob([text!]))),
    ),
  async storeModel(name, sources) {
    const texts: string[] = [];
    for (const [file, source] of sources) {
      texts.push(`${file}: ${await new Response(source.stream()).text()}`);
    }
    models.set(name, texts.join('\n'));
  },
  removeModel: (name) => Promise.resolve(void models.delete(name)),
});

const OWN: RecipeValues = {
  model_name_or_path: 'stored:my-model',
  reward_funcs: ['stored:kind.js', 'public/rules/long-answer.js'],
  datasets: [{ path: 'json', data_files: ['stored:mine.jsonl'], split: 'train' }],
  world: null,
  gold: null,
  eval_strategy: 'no',
};
const BROUGHT = new Map([
  ['kind.js', 'export default () => 1;'],
  ['mine.jsonl', '{"prompt": "tea?"}\n'],
]);

const MODEL_FILES = ['additional_chat_templates/rag.jinja', 'config.json', 'my own.gguf'];
const MODEL: BroughtModel = {
  name: 'my-model',
  files: MODEL_FILES.map((file) => blobSource(`my-model/${file}`, new Blob([`of ${file}`]))),
};
const brought = (models: readonly BroughtModel[] = []): Brought => ({
  data: (name) =>
    BROUGHT.has(name) ? Promise.resolve(BROUGHT.get(name)!) : Promise.reject(new Error('gone')),
  models: (name) => Promise.resolve(models.filter((model) => model.name === name)),
});

async function zipOf(
  changes: RecipeValues,
  models?: readonly BroughtModel[],
  top = 'my-run',
): Promise<Blob> {
  const { runs } = await storedRun(changes);
  const files = await exportRun(runs, 'run-7', top, brought(models));
  const entries = files.map(({ path, size, pieces }) => ({
    ...{ name: `${top}/${path}`, size, input: pieces() },
  }));
  return new Response(makeZip(entries)).blob();
}

describe('a .zip of a run', () => {
  it('opens as the same run, with its last checkpoint and what it used', async () => {
    const runs = memoryFolder();
    const data = new Map<string, string>();
    const shares: number[] = [];
    await importRun(runs, 'run-9', await zipOf(OWN), shelfOf(data), {
      onProgress: (share) => shares.push(share),
    });
    expect(data).toEqual(BROUGHT);
    const [run] = await listRuns(runs, page);
    expect(run).toMatchObject({ id: 'run-9', savedStep: 2, problems: [] });
    expect(run!.facts).toMatchObject({ name: 'My run', note: 'a note', started: 7 });
    const original = await storedRun(OWN);
    expect(run!.recipe).toEqual((await readRun(original.runs, 'run-7', page)).recipe);
    expect(await openRun(runs, 'run-9')).toEqual(await openRun(original.runs, 'run-7'));
    const at = 'checkpoints/step-2/model.safetensors';
    expect(await readText(within(runs, 'run-9'), at)).toBe(await readText(original.run, at));
    expect(await within(runs, 'run-9').list('checkpoints')).toEqual(['step-2']);
    expect(shares.at(-1)).toBeLessThanOrEqual(1);
  });

  it('has a recipe that the command line takes as it is', async () => {
    const { runs } = await storedRun(OWN);
    const [file] = await exportRun(runs, 'run-7', 'my-run', brought());
    expect(file!.path).toBe('recipe.yaml');
    let yaml = '';
    for await (const piece of file!.pieces()) yaml += new TextDecoder().decode(piece);
    expect(yaml).toMatch(/^# Put the model folder my-model there, too\.$/m);
    expect(parseRecipe(yaml, 'recipe.yaml').recipe).toMatchObject({
      model_name_or_path: 'my-model',
      reward_model_name_or_path: 'public/models/reward',
      reward_funcs: ['my-run/data/kind.js', 'public/rules/long-answer.js'],
      datasets: [{ data_files: ['my-run/data/mine.jsonl'] }],
    });
  });

  it('holds the models that the visitor brought, and stores those that are not here', async () => {
    const zip = await zipOf(OWN, [MODEL]);
    const open = async (models: Map<string, string>): Promise<RecipeValues> => {
      const runs = memoryFolder();
      await importRun(runs, 'run-9', zip, shelfOf(new Map(), models));
      return (await listRuns(runs, page))[0]!.recipe;
    };
    const text = MODEL_FILES.map((file) => `${file}: of ${file}`).join('\n');
    const none = new Map<string, string>();
    expect((await open(none))['model_name_or_path']).toBe('stored:my-model');
    expect(none.get('my-model')).toBe(text);
    // With the same files it is the same model; any other stays, also one of the same size.
    const same = new Map([['my-model', text]]);
    await open(same);
    expect(same.size).toBe(1);
    const others = text.replace('of config', 'OF config');
    const other = new Map([['my-model', others]]);
    expect((await open(other))['model_name_or_path']).toBe('stored:my-model-2');
    expect(other.get('my-model-2')).toBe(text);
    expect(other.get('my-model')).toBe(others);
  });

  it('does not replace another file of the same name', async () => {
    const runs = memoryFolder();
    const data = new Map([...BROUGHT, ['mine.jsonl', 'other']]);
    await importRun(runs, 'run-9', await zipOf(OWN), shelfOf(data));
    expect(data.get('mine.jsonl')).toBe('other');
    expect(data.get('mine-2.jsonl')).toBe(BROUGHT.get('mine.jsonl'));
    expect([...data.keys()].sort()).toEqual(['kind.js', 'mine-2.jsonl', 'mine.jsonl']);
    const [run] = await listRuns(runs, page);
    expect(run!.recipe['datasets']).toMatchObject([{ data_files: ['stored:mine-2.jsonl'] }]);
  });

  it.each<[string, (zip: Blob) => Blob | Promise<Blob>, RegExp]>([
    ['is cut off', (zip) => zip.slice(0, Math.floor(zip.size / 2)), /not a complete \.zip/],
    ['is none', () => new Blob(['hello']), /not a complete \.zip/],
    [
      'has other bytes in a file',
      async (zip) => {
        const bytes = new Uint8Array(await zip.arrayBuffer());
        const text = new TextDecoder('latin1').decode(bytes);
        bytes[text.indexOf('"reward":1')]! ^= 1;
        return new Blob([bytes]);
      },
      /metrics\.jsonl in this \.zip is damaged/,
    ],
    [
      'holds no run',
      () => new Response(makeZip([{ name: 'a.txt', input: 'a' }])).blob(),
      /there is no recipe\.yaml/,
    ],
  ])('that %s is refused in a sentence, and nothing of it stays', async (_, change, sentence) => {
    const runs = memoryFolder();
    const zip = await change(await zipOf({}));
    await expect(importRun(runs, 'run-9', zip, shelfOf(new Map()))).rejects.toThrow(sentence);
    expect(runs.files.size).toBe(0);
  });

  it('writes nothing outside the run', async () => {
    const open = async (...paths: string[]): Promise<string[]> => {
      const entries = paths.map((name) => ({ name: `run/${name}`, input: 'seed: 1' }));
      const runs = memoryFolder();
      const zip = await new Response(makeZip(entries)).blob();
      await importRun(runs, 'run-9', zip, shelfOf(new Map()));
      return [...runs.files.keys()].sort();
    };
    const own = ['run-9/recipe.yaml', 'run-9/run.json'];
    expect(await open('recipe.yaml', 'other/a.js', 'checkpoints/x', 'a.exe')).toEqual(own);
    await expect(open('recipe.yaml', 'checkpoints/step-1/../../../x')).rejects.toThrow(/\.zip/);
  });

  it('has a name that every system takes', () => {
    expect(folderName('No thought, seed 3')).toBe('no-thought-seed-3');
    expect(folderName('../…')).toBe('run');
  });
});

describe('the lock of a run', () => {
  beforeEach(() => {
    vi.stubGlobal('navigator', { locks: new FakeLocks() });
    return () => vi.unstubAllGlobals();
  });

  it('is held by one at a time, and tells who waits when it is free', async () => {
    const release = (await holdRun('a'))!;
    expect(await holdRun('a', 20)).toBeUndefined();
    expect(await heldRuns()).toEqual(new Set(['a']));
    await expect(whileHeld('a', () => Promise.resolve())).rejects.toThrow(/in another tab/);
    expect(await holdRun('b', 20)).toBeDefined();
    let free = false;
    const waiting = whenFree('a').then(() => (free = true));
    await Promise.resolve();
    expect(free).toBe(false);
    release();
    await waiting;
    expect(await whileHeld('a', () => Promise.resolve(3))).toBe(3);
    expect(await heldRuns()).toEqual(new Set(['b']));
  });

  it('waits a moment for a worker that was closed just now', async () => {
    const release = (await holdRun('a'))!;
    setTimeout(release, 20);
    expect(await holdRun('a', 1000)).toBeDefined();
  });
});

describe('the room that a run takes', () => {
  const config = CONFIGS['llama, tied']!;
  const planned = { config, storage: { layers: 'f32', tables: 'f32' } } as const;
  const bytes = (changes: RecipeValues): number =>
    runBytes(makeRecipe({ ...page, log_completions: false, ...changes }), planned);

  it('counts weights and moments of each checkpoint, and one that is being written', () => {
    // 83 x 24 tokens, two layers, and the norms: see the config.
    const layer = 24 * (4 * 8) * 2 + 24 * (2 * 8) * 2 + 3 * 24 * 36 + 2 * 24;
    const parameters = 83 * 24 + 2 * layer + 24;
    // On the card, each tensor is rounded up to some bytes.
    expect(bytes({ save_total_limit: 1 }) / (2 * 3 * 4 * parameters)).toBeCloseTo(1.02, 1);
    expect(bytes({})).toBe(1.5 * bytes({ save_total_limit: 1 }));
    expect(bytes({ use_peft: true, lora_r: 1 })).toBeLessThan(bytes({}) / 2);
  });

  it('counts completions', () => {
    expect(bytes({ log_completions: true }) - bytes({})).toBeGreaterThan(150 * 128 * 76);
  });
});
