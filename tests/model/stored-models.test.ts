/** What is stored of a model that a visitor brought. */
import { afterEach, expect, it, vi } from 'vitest';
import { openGguf } from '../../src/model/gguf-writer/file.ts';
import { storedFiles, storedFolder } from '../../src/model/stored-models.ts';
import { ggufCase } from '../gguf-models.ts';
import { FakeOpfs } from '../reliability/fake-opfs.ts';

afterEach(() => vi.unstubAllGlobals());

/** A browser that has stored one model. */
async function store(name: string, files: ReadonlyMap<string, Blob>): Promise<void> {
  const { root } = new FakeOpfs();
  vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.resolve(root) } });
  const models = await root.getDirectoryHandle('models', { create: true });
  const folder = await models.getDirectoryHandle(name, { create: true });
  for (const [file, blob] of [...files, ['.stored', new Blob()] as const]) {
    const handle = await folder.getFileHandle(file, { create: true });
    const stream = await handle.createWritable();
    await stream.write(new Uint8Array(await blob.arrayBuffer()));
    await stream.close();
  }
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

it('the files of a folder are stored as they are', async () => {
  const { files } = ggufCase('qwen2');
  await store('tiny', files);
  const sizes = [...files].map(([file, { size }]) => [`tiny/${file}`, size]);
  expect(await stored('tiny')).toEqual(Object.fromEntries(sizes));
});

it('a model that is gone is refused', async () => {
  await store('tiny', new Map());
  await expect(storedFiles('other')).rejects.toThrow(
    'other is not stored in this browser any more; drop it again',
  );
});
