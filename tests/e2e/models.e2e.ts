/** Models in and out of the page, as somebody with folders on a disk would do it. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadZip } from 'client-zip';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launchBrowser } from '../../scripts/browser.mjs';
import { info } from '../../src/cli/info.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { openGguf } from '../../src/model/gguf-writer/file.ts';
import { layoutParameters } from '../../src/model/parameters.ts';
import { VOCABULARY } from '../../src/rl/world/menu.ts';
import { ggufCase } from '../gguf-models.ts';
import { RECIPE, STEP } from '../handover/make-run.ts';
import trl from '../handover/trl.json' with { type: 'json' };
import { CONFIGS, randomTensors, saveAdapter, saveModel } from '../random-model.ts';
import { writeSafetensors, type Tensor } from '../safetensors.ts';
import { unzip } from './unzip.ts';

const config: ModelConfig = { ...CONFIGS['qwen2, biases']!, vocabSize: VOCABULARY.length };
const LORA = { task: 'CAUSAL_LM', r: 2, alpha: 4, targets: ['q_proj', 'down_proj'] } as const;

let browser: Browser;
let page: Page;
let root: string;
const errors: string[] = [];
const at = (...path: string[]): string => join(root, ...path);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ponder-'));
  await saveModel(at('my-qwen'), config, randomTensors(config, 1));
  browser = await launchBrowser();
  await visit();
});
afterAll(async () => {
  await browser.close();
  await rm(root, { recursive: true });
});

/** A visit with nothing stored. */
async function visit(): Promise<void> {
  page = await browser.newPage({ reducedMotion: 'reduce' });
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`${inject('page')}#/set-up`);
}

const give = (path: string): Promise<void> => page.getByLabel('Model folder').setInputFiles(path);

/** As a hand does it, folders and all. */
async function drop(...paths: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
  }
  await session.detach();
}

const go = (view: string): Promise<void> =>
  page.evaluate((to) => {
    location.hash = location.hash.replace(/^#\/[a-z-]+/, to);
  }, `#/${view}`);
const list = () => page.getByRole('list', { name: 'Models in this browser' });
const policy = (): Promise<string> =>
  page.getByLabel('The policy (the model that is trained)').inputValue();
const says = (text: string | RegExp): Promise<void> =>
  page.getByText(text).waitFor({ timeout: 20_000 });

/** The model in two shards with their index. */
async function shard(folder: string): Promise<void> {
  await cp(at('my-qwen'), folder, { recursive: true });
  await rm(join(folder, 'model.safetensors'));
  const { parameters } = layoutParameters(config);
  const tensors = [...randomTensors(config, 1)];
  const weightMap: Record<string, string> = {};
  for (const [i, part] of [tensors.slice(0, 9), tensors.slice(9)].entries()) {
    const file = `model-0000${i + 1}-of-00002.safetensors`;
    const stored = part.map(([name, values]): [string, Tensor] => {
      weightMap[name] = file;
      return [name, { shape: parameters.get(name)!.shape, values }];
    });
    await writeFile(join(folder, file), writeSafetensors(new Map(stored)));
  }
  const index = JSON.stringify({ metadata: {}, weight_map: weightMap });
  await writeFile(join(folder, 'model.safetensors.index.json'), index);
}

const saveAdapterFor = (base: string, folder: string, of = config): Promise<void> =>
  saveAdapter(folder, of, { ...LORA, base }, () => 0.01);

describe('bringing models', () => {
  it('takes an adapter, says what it needs, and uses it once its sharded base is here', async () => {
    await saveAdapterFor('somebody/sharded', at('both', 'my-adapter'));
    await give(at('both', 'my-adapter'));
    await says('Needs somebody/sharded, the model it was trained on: drop it too.');
    expect(await policy()).toBe('');

    await shard(at('both', 'sharded'));
    await drop(at('both', 'my-adapter'), at('both', 'sharded'));
    await list().getByText('Trained on sharded, which is here.').waitFor();
    await expect.poll(policy).toBe('my-adapter');
    expect(await list().getByRole('listitem').count()).toBe(2);
    await list()
      .getByText(/^qwen2 policy, [\d.]+K parameters in F32, \d+ kB on disk$/)
      .waitFor();
    // The next visit finds it chosen.
    await page.reload();
    await expect.poll(policy, { timeout: 10_000 }).toBe('my-adapter');
  });

  it('says so when the worker that reads them cannot be loaded, and reads them once it can', async () => {
    const context = await browser.newContext({ reducedMotion: 'reduce', serviceWorkers: 'block' });
    await context.route('**/models.worker*', (route) => route.fulfill({ status: 404 }));
    const other = await context.newPage();
    await other.goto(`${inject('page')}#/set-up`);
    const folder = other.getByLabel('Model folder');
    await folder.setInputFiles(at('my-qwen'));
    await other
      .getByText(
        'The worker that reads models could not be loaded. Check the connection, then try again.',
      )
      .first()
      .waitFor();
    await context.unroute('**/models.worker*');
    await folder.setInputFiles(at('my-qwen'));
    await other.getByText(/^qwen2 policy, [\d.]+K parameters/).waitFor();
    await context.close();
  });

  it('refuses what cannot be used, each in a sentence, and stays usable', async () => {
    const broken = async (name: string, change: (folder: string) => Promise<unknown>) => {
      await cp(at('my-qwen'), at(name), { recursive: true });
      await change(at(name));
      await give(at(name));
    };
    await broken('cut', async (folder) => {
      const file = join(folder, 'model.safetensors');
      await writeFile(file, (await readFile(file)).subarray(0, -40));
    });
    await says(/^cut\/model\.safetensors is cut off: .*download it again$/);

    await broken('gpt', (folder) =>
      writeFile(join(folder, 'config.json'), '{"architectures": ["GPT2LMHeadModel"]}'),
    );
    await says(
      /^gpt\/config\.json describes architecture "GPT2LMHeadModel", which is not supported/,
    );

    await broken('mixed', (folder) => saveModel(folder, { ...config, vocabSize: 40 }, shrunk()));
    await says(/^mixed\/tokenizer\.json has \d+ ids but the model's embedding has 40 rows/);

    await broken('throws', (folder) =>
      writeFile(join(folder, 'chat_template.jinja'), "{{ raise_exception('no user may speak') }}"),
    );
    await says(/^the chat template in throws\/chat_template\.jinja refused .*no user may speak/);

    await broken('gguf', async (folder) => {
      for (const file of ['config.json', 'model.safetensors']) await rm(join(folder, file));
      await writeFile(join(folder, 'tiny-Q4_1.gguf'), 'GGUF');
    });
    await says(/^gguf\/tiny-Q4_1\.gguf is cut off inside its header \(4 bytes\)/);

    await broken('pickled', async (folder) => {
      await rm(join(folder, 'model.safetensors'));
      await writeFile(join(folder, 'pytorch_model.bin'), 'x');
    });
    await says(/^pickled has no model\.safetensors .*; save pytorch_model\.bin as safetensors$/);

    await cp(at('both', 'sharded'), at('half'), { recursive: true });
    await rm(at('half', 'model-00002-of-00002.safetensors'));
    await give(at('half'));
    await says(
      /^half has no model-00002-of-00002\.safetensors, which .* names; add what is missing$/,
    );

    await saveAdapterFor('sharded', at('stranger'), { ...config, layers: 3 });
    await give(at('stranger'));
    await says(
      /^stranger is an adapter for another base: the base has 2 layers, and no place for .*layers\.2/,
    );

    await writeFile(at('notes.md'), 'no model');
    await page.getByLabel('Model files').setInputFiles(at('notes.md'));
    await says(/^There is no model in these files/);

    expect(await list().getByRole('listitem').count()).toBe(2);
    expect(await policy()).toBe('my-adapter');
  });

  it('says when the browser has no room, and keeps nothing of it', async () => {
    const session = await page.context().newCDPSession(page);
    const { origin } = new URL(inject('page'));
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1000 });
    await give(at('my-qwen'));
    await says(/^my-qwen takes 1 MB, for which this browser has no room; remove a model/);
    await session.send('Storage.overrideQuotaForOrigin', { origin });
    expect(await list().getByRole('listitem').count()).toBe(2);
  });

  it('takes loose files, one safetensors among them, and calls them after it', async () => {
    await cp(at('my-qwen', 'model.safetensors'), at('tiny-story.safetensors'));
    const rest = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
    await page
      .getByLabel('Model files')
      .setInputFiles([at('tiny-story.safetensors'), ...rest.map((name) => at('my-qwen', name))]);
    await expect.poll(policy).toBe('tiny-story');
  });
});

function shrunk(): Map<string, Float32Array> {
  return randomTensors({ ...config, vocabSize: 40 }, 1);
}

describe('what a run takes', () => {
  it('changes with the settings, and is made to fit', async () => {
    const row = page.getByRole('row', { name: /\(chosen\)/ });
    await page.getByLabel('The policy (the model that is trained)').selectOption('sharded');
    await expect.poll(() => row.textContent()).toMatch(/Train all weights/);
    const before = await row.textContent();
    await page.getByText('How it is trained').first().click();
    await page.getByLabel('What is trained').selectOption('A small adapter (LoRA)');
    await expect.poll(() => row.textContent()).toMatch(/Train an adapter/);
    await page.getByRole('combobox', { name: 'Rank of the adapter' }).selectOption('64');
    const longest = page.getByRole('spinbutton', { name: 'Longest completion, in tokens' });
    await longest.fill('3000');
    await longest.blur();
    // The recipe shows the same value.
    expect(new URL(page.url()).hash).toContain('max_completion_length=3000');
    await page.getByLabel('My graphics card has').selectOption('2 GB');
    await says(
      /^Too much for this card: it takes [\d.]+ GB, and about 1\.8 GB of the card can be used/,
    );
    await page.getByRole('button', { name: 'Make it fit' }).click();
    await says(/^With these settings, training takes .*, which has room for it/);
    expect(await page.getByRole('checkbox', { name: /^Recompute layers/ }).isChecked()).toBe(true);
    expect(await row.textContent()).not.toBe(before);
  });
});

describe('bringing back what was trained elsewhere', () => {
  it('opens what TRL wrote as a run on view, and takes its model', async () => {
    await cp('tests/handover/trl-output/handed-over', at('trained-there'), { recursive: true });
    for (const folder of ['', 'checkpoint-3']) {
      const weights = at('trained-there', folder, 'model.safetensors');
      await cp('public/models/trained/model.safetensors', weights);
    }
    await drop(at('trained-there'));
    await says(/^“trained-there” is in Runs, and on view\. From TRL\. TRL wrote no lengths/);
    await expect.poll(policy).toBe('trained-there');
    // Steps go on from where it was handed over.
    await expect.poll(() => page.getByTestId('step').textContent()).toBe('23');
    await go('understand');
    await page.getByRole('heading', { name: 'One prompt, 8 tries' }).waitFor();
    await says(
      'This run has no numbers for single tokens. Runs that are trained here record them.',
    );
    await go('set-up');
    expect(errors).toEqual([]);
  });
});

describe('taking the trained model home', () => {
  it('goes on with an adapter for a step and gives it, alone or merged, with the run', async () => {
    await page.getByLabel('The policy (the model that is trained)').selectOption('my-adapter');
    // Its rank and projections are its own.
    const rank = page.getByRole('combobox', { name: 'Rank of the adapter' });
    await expect.poll(() => rank.inputValue()).toBe('2');
    expect(await rank.isDisabled()).toBe(true);
    for (const [label, value] of [
      ['Tries for each prompt', '2'],
      ['Batch size', '4'],
      ['Longest completion, in tokens', '8'],
    ]) {
      const field = page.getByRole('spinbutton', { name: label! });
      await field.fill(value!);
      await field.blur();
    }
    await page.getByRole('button', { name: 'Train', exact: true }).click();
    await expect
      .poll(() => page.getByTestId('step').textContent(), { timeout: 120_000 })
      // Not 23, of the run that was on view.
      .toMatch(/^[1-9]$/);
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('button', { name: 'Continue', exact: true }).waitFor({ timeout: 60_000 });
    await go('runs');
    await page.getByRole('heading', { name: 'Save the model' }).waitFor();

    const adapter = await download();
    expect(adapter.name).toMatch(/^my-adapter-step-\d+-adapter$/);
    expect(adapter.files).toContain('adapter_model.safetensors');
    expect(adapter.files).toContain('run/metrics.jsonl');
    expect(adapter.files).toContain('run/completions/step-1.jsonl');
    const facts = JSON.parse(
      await info.run(['--model', adapter.folder, '--base', at('both', 'sharded')], true),
    ) as Record<string, unknown>;
    expect(facts).toMatchObject({ family: 'qwen2', lora_r: 2 });

    await page.getByRole('radio', { name: /^A merged model/ }).check();
    const merged = await download();
    expect(merged.files).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );
    const whole = JSON.parse(await info.run(['--model', merged.folder], true)) as object;
    expect(whole).toMatchObject({ family: 'qwen2', parameters: facts.parameters });

    // The same into a folder that was picked.
    const saved = await saveInto(merged.name);
    expect(saved.files.sort()).toEqual(merged.files.filter((file) => !file.endsWith('/')).sort());
    const weights = await readFile(join(merged.folder, 'model.safetensors'));
    expect(Buffer.compare(saved.weights, weights)).toBe(0);

    // And the run, to continue in TRL.
    await page.getByRole('radio', { name: /^The run, to continue in TRL/ }).check();
    const handed = await download();
    expect(handed.name).toMatch(/^my-adapter-step-\d+-trl$/);
    expect(handed.files).toEqual(
      expect.arrayContaining([
        ...['README.md', 'recipe.yaml', 'train.py', 'rewards.py', 'train.jsonl'],
        ...['optimizer.safetensors', 'policy/adapter_model.safetensors', 'base/config.json'],
        ...['reference/adapter_model.safetensors', 'reward_model/model.safetensors'],
      ]),
    );

    // Its vocabulary is of whole words, which llama.cpp does not have.
    await page.getByRole('radio', { name: /^A GGUF file/ }).check();
    await page.getByRole('button', { name: 'Download as .gguf' }).click();
    const alert = page.getByRole('region', { name: 'Save the model' }).getByRole('alert');
    await expect
      .poll(() => alert.textContent())
      .toMatch(/no equal in llama\.cpp: its vocabulary is of kind WordLevel/);
    expect(errors).toEqual([]);
  });

  it('gives a model as one GGUF file, and its run to go on in verl', async () => {
    await visit();
    // A run whose vocabulary is of byte pairs, as a real model's.
    const { folder, files } = ggufCase('llama');
    const contents = new Map<string, BlobPart>([
      ['recipe.yaml', RECIPE],
      ['run.json', '{"name":"byte-pairs"}'],
      ['metrics.jsonl', `{"step":${STEP}}\n`],
    ]);
    const state = JSON.stringify({ global_step: STEP, log_history: [] });
    const moments = writeSafetensors(new Map());
    const more = { 'optimizer.safetensors': moments, 'trainer_state.json': state };
    for (const [file, part] of [...files, ...Object.entries(more)])
      contents.set(`checkpoints/step-${STEP}/${file}`, part);
    const zip = downloadZip(
      [...contents].map(([path, input]) => ({ name: `byte-pairs/${path}`, input })),
    );
    await writeFile(at('byte-pairs.zip'), Buffer.from(await zip.arrayBuffer()));
    await go('runs');
    const runs = page.getByRole('region', { name: 'Your runs' });
    await runs.getByLabel('A run that was exported').setInputFiles(at('byte-pairs.zip'));
    await runs.getByText('“byte-pairs” is in the table.').waitFor({ timeout: 20_000 });
    const drawn = page.getByRole('checkbox', { name: /“byte-pairs”/ });
    const row = runs.getByRole('row').filter({ has: drawn });
    await row.getByRole('button', { name: 'Open' }).click();
    await says(/^The model of the run “byte-pairs” at step 20/);
    await page.getByRole('radio', { name: /^A GGUF file/ }).check();
    await page.getByLabel('Precision').selectOption('8 bits per weight (Q8_0)');
    const file = await downloaded('.gguf');
    expect(file).toBe('policy-step-20-q8_0.gguf');
    const base = { ...folder, name: `checkpoints/step-${STEP}` };
    const { pieces } = await openGguf({ base, tokenizer: base }, 'q8_0');
    const parts: Uint8Array[] = [];
    for await (const piece of pieces()) parts.push(piece);
    expect(Buffer.compare(await readFile(at(file)), Buffer.concat(parts))).toBe(0);

    const libraries: string[] = [];
    page.on('request', (request) => {
      if (/\/verl-[\w-]+\.js$/.test(request.url())) libraries.push(request.url());
    });
    await page.getByRole('radio', { name: /^The run, to continue in TRL/ }).check();
    await download();
    expect(libraries).toEqual([]);
    await page.getByRole('radio', { name: /^The run, to continue in verl/ }).check();
    const handed = await download();
    expect(handed.files).toEqual(
      expect.arrayContaining([
        ...['README.md', 'train.sh', 'reward.py', 'scoring.py', 'run.json'],
        ...['policy/model.safetensors', 'reward_model/model.safetensors'],
      ]),
    );
    expect(libraries).toHaveLength(1);
    const rows = await parquetReadObjects({
      file: await asyncBufferFromFile(join(handed.folder, 'train.parquet')),
    });
    const turns = (row: Record<string, unknown>) =>
      JSON.parse((row['extra_info'] as { turns: string }).turns) as { content: string }[];
    const asked = rows.map((row) => turns(row)[0]!.content);
    expect(asked).toEqual(
      trl.runs.grpo.flatMap(({ prompts }) => prompts.filter((_, i) => i % 8 === 0)),
    );
    expect(errors).toEqual([]);
  });
});

/** Picks a folder, which no test can do by hand: here it is one of the browser's own. */
async function saveInto(name: string): Promise<{ files: string[]; weights: Buffer }> {
  await page.evaluate(() => {
    const pick = async (): Promise<FileSystemDirectoryHandle> =>
      (await navigator.storage.getDirectory()).getDirectoryHandle('picked', { create: true });
    Object.assign(window, { showDirectoryPicker: pick });
  });
  await page.getByRole('button', { name: 'Save into a folder' }).click();
  await page.getByText(`${name} is in picked.`).waitFor({ timeout: 30_000 });
  const { files, weights } = await page.evaluate(async (folder) => {
    const found = new Map<string, FileSystemFileHandle>();
    const walk = async (handle: FileSystemDirectoryHandle, path: string): Promise<void> => {
      for await (const [entry, child] of handle.entries()) {
        if (child.kind === 'file') found.set(path + entry, child);
        else await walk(child, `${path}${entry}/`);
      }
    };
    const top = await (await navigator.storage.getDirectory()).getDirectoryHandle('picked');
    await walk(await top.getDirectoryHandle(folder), '');
    const file = await found.get('model.safetensors')!.getFile();
    return { files: [...found.keys()], weights: [...new Uint8Array(await file.arrayBuffer())] };
  }, name);
  return { files, weights: Buffer.from(weights) };
}

/** @returns the name of the file */
async function downloaded(ending: '.zip' | '.gguf'): Promise<string> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: `Download as ${ending}` }).click(),
  ]);
  await file.saveAs(at(file.suggestedFilename()));
  return file.suggestedFilename();
}

async function download(): Promise<{ name: string; folder: string; files: string[] }> {
  const zip = await downloaded('.zip');
  const name = zip.replace(/\.zip$/, '');
  const files = await unzip(at(zip), root);
  return {
    name,
    folder: at(name),
    files: files.map((path) => path.replace(`${name}/`, '')),
  };
}
