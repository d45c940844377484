/** What is stored of a model that a visitor brought. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../src/model/adapted.ts';
import { readConfig } from '../../src/model/checkpoint.ts';
import { describeCheckpoint } from '../../src/model/describe.ts';
import { droppedFolder, weightFiles, type CheckpointFolder } from '../../src/model/files.ts';
import { openGguf } from '../../src/model/gguf-writer/file.ts';
import { isModelFile } from '../../src/model/model-files.ts';
import { adapterFile } from '../../src/model/open-adapter.ts';
import {
  removeStoredModel,
  storedFiles,
  storedFolder,
  storeModel,
} from '../../src/model/stored-models.ts';
import { pageBaseFolder } from '../../src/app/page-paths.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';
import { readTokenizer } from '../../src/model/tokenizer-parts.ts';
import { refuseDamaged } from '../../src/app/inspect.ts';
import { modelFiles } from '../../src/rl/runs/export.ts';
import { sha256 } from '../../src/rl/runs/file-mark.ts';
import { ggufCase } from '../gguf-models.ts';
import { FakeOpfs } from '../reliability/fake-opfs.ts';

afterEach(() => vi.unstubAllGlobals());

/** A browser that has stored one model. */
async function store(name: string, files: ReadonlyMap<string, Blob>): Promise<void> {
  const { root } = new FakeOpfs();
  vi.stubGlobal('navigator', {
    storage: { getDirectory: () => Promise.resolve(root), estimate: () => Promise.resolve({}) },
    locks: { request: (_: string, work: () => Promise<void>) => work() },
  });
  await storeModel(name, files);
}

async function stored(name: string): Promise<Record<string, number>> {
  const files = await storedFiles(name);
  return Object.fromEntries(files.map(({ path, size }) => [path, size]));
}

it('a GGUF file is stored as it was brought, and read as a folder', async () => {
  const { folder } = ggufCase('qwen2');
  const { size, pieces } = await openGguf({ base: folder, tokenizer: folder }, 'q8_0');
  const parts: BlobPart[] = [];
  for await (const piece of pieces()) parts.push(piece);
  await store('tiny', new Map([['tiny-q8_0.gguf', new Blob(parts)]]));
  expect(await stored('tiny')).toEqual({ 'tiny/tiny-q8_0.gguf': size });
  expect(await (await storedFolder('tiny')).list?.()).toContain('model.safetensors');
});

it('an adapter is not put on one of two models that were brought with one name', async () => {
  const { files } = ggufCase('qwen2');
  await store('base', files);
  await expect(pageBaseFolder('org/base')).resolves.toMatchObject({ name: 'base' });
  await storeModel('base-2', files);
  await expect(pageBaseFolder('org/base')).resolves.toMatchObject({ name: 'base' });
  await storeModel('base-3', files, { wanted: 'base' });
  await expect(pageBaseFolder('org/base')).rejects.toThrow(
    'this browser stores several models called base (base, base-3), and it cannot tell which one is meant',
  );
  for (const name of ['base', 'base-3']) {
    await expect(pageBaseFolder(`stored:${name}`)).resolves.toMatchObject({ name });
  }
  await removeStoredModel('base-3');
  await expect(pageBaseFolder('org/base')).resolves.toMatchObject({ name: 'base' });
});

it('the files of a folder are stored as they are', async () => {
  const { files } = ggufCase('qwen2');
  await store('tiny', files);
  const sizes = [...files].map(([file, { size }]) => [`tiny/${file}`, size]);
  expect(await stored('tiny')).toEqual(Object.fromEntries(sizes));
});

describe('a folder with all that the command line reads', () => {
  const TEMPLATES = { 'chat_template.jinja': 'f', 'additional_chat_templates/default.jinja': 'd' };
  const { files } = ggufCase('qwen2');
  const whole = new Map([
    ...files,
    ...Object.entries(TEMPLATES).map(([file, text]) => [file, new Blob([text])] as const),
    ['generation_config.json', new Blob(['{"eos_token_id": [1]}'])] as const,
  ]);

  it('is the same folder on the page', async () => {
    await store('tiny', whole);
    expect(Object.keys(await stored('tiny')).sort()).toEqual(
      [...whole.keys()].map((file) => `tiny/${file}`).sort(),
    );
    const folder = await storedFolder('tiny');
    expect((await readTokenizer(folder)).template?.source).toBe('d');
    expect((await readConfig(folder)).eosTokenIds).toEqual([1]);
  });

  it('is refused if it is a checkpoint, and not as its run wrote it', async () => {
    const weights = new Uint8Array(await files.get('model.safetensors')!.arrayBuffer());
    const mark = { bytes: weights.length, sha256: [await sha256(weights)] };
    const marks = { 'model.safetensors': mark, 'optimizer.safetensors': mark };
    const withState = (state: string) =>
      droppedFolder(
        new Map([
          ...files,
          ['model.safetensors', new Blob([weights])],
          ['trainer_state.json', new Blob([state])],
        ]),
      );
    const own = JSON.stringify({ global_step: 1, files: marks });
    await refuseDamaged(withState(own));
    weights[weights.length - 1]! ^= 1;
    await expect(refuseDamaged(withState(own))).rejects.toThrow(
      'your files/model.safetensors is damaged: it is not as its run wrote it; take another',
    );
    // Of TRL, which writes no marks.
    await refuseDamaged(withState('{"log_history": [{"loss": NaN}]}'));
  });

  it('has no file that a drop on the page leaves out', async () => {
    const asked = new Set<string>();
    const folder = droppedFolder(whole);
    const recording: CheckpointFolder = {
      ...folder,
      open: (file) => {
        asked.add(file);
        return folder.open(file);
      },
    };
    const checkpoint = await openCheckpoint(recording, () => Promise.reject(new Error('no base')));
    await describeCheckpoint(checkpoint);
    await modelFiles(checkpoint, 'hf');
    await openGguf(checkpoint, 'f16');
    await Tokenizer.load(recording);
    await expect(adapterFile(recording)).rejects.toThrow('adapter_model.safetensors');
    const empty = { ...recording, open: (file: string) => Promise.resolve(void asked.add(file)) };
    await expect(weightFiles(empty)).rejects.toThrow('model.safetensors');
    const some = ['model.safetensors', 'additional_chat_templates/default.jinja'];
    for (const file of [...some, 'special_tokens_map.json', 'pytorch_model.bin']) {
      expect([...asked]).toContain(file);
    }
    expect([...asked].filter((file) => !isModelFile(file))).toEqual([]);
  });
});

it('a model that is gone is refused', async () => {
  await store('tiny', new Map());
  await expect(storedFiles('other')).rejects.toThrow(
    'other is not stored in this browser any more; drop it again',
  );
});
