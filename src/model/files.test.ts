import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointError } from './errors.ts';
import {
  droppedFolder,
  readJson,
  readText,
  requireJson,
  urlFolder,
  weightFiles,
  type CheckpointFolder,
  type FileSource,
} from './files.ts';
import { nodeFolder } from './node-files.ts';

const contents: Record<string, string> = { 'config.json': '{"a": 1}', 'broken.json': '{"a": ' };

let directory: string;
let server: Server;
let base: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ponder-files-'));
  for (const [name, text] of Object.entries(contents)) await writeFile(join(directory, name), text);
  server = createServer((request, response) => {
    const text = contents[request.url!.replace('/models/', '')];
    // Like a server of a single-page application: it answers a missing file with the page.
    const type = text === undefined ? 'text/html' : 'application/json';
    response.writeHead(200, { 'content-type': type }).end(text ?? '<html>');
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  base = `http://localhost:${(server.address() as AddressInfo).port}/models`;
});
afterAll(async () => {
  server.close();
  await rm(directory, { recursive: true });
});

const folders: Record<string, () => CheckpointFolder | Promise<CheckpointFolder>> = {
  'on disk': () => nodeFolder(directory),
  'under a URL': () => urlFolder(`${base}/`),
  'of dropped files': () => dropped(contents),
};

function dropped(files: Record<string, string>): CheckpointFolder {
  return droppedFolder(
    new Map(Object.entries(files).map(([name, text]) => [name, new Blob([text])])),
  );
}

async function refusal(run: () => unknown): Promise<string> {
  const error: unknown = await Promise.resolve()
    .then(run)
    .catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CheckpointError);
  return (error as CheckpointError).message;
}

describe.each(Object.keys(folders))('a folder %s', (kind) => {
  it('gives its files whole and in pieces, and nothing for a missing one', async () => {
    const folder = await folders[kind]!();
    expect(await readJson(folder, 'config.json')).toEqual({ a: 1 });
    expect(await readText(folder, 'missing.json')).toBeUndefined();
    const source = await folder.open('config.json');
    expect(source?.size).toBe(8);
    expect(source?.path).toBe(`${folder.name}/config.json`);
    expect(new TextDecoder().decode(await source?.read(2, 5))).toBe('a":');
  });

  it('says which file is missing or broken', async () => {
    const folder = await folders[kind]!();
    expect(await refusal(() => readJson(folder, 'broken.json'))).toContain(
      `${folder.name}/broken.json is not JSON (`,
    );
    expect(await refusal(() => requireJson(folder, 'tokenizer.json'))).toBe(
      `${folder.name} has no tokenizer.json; choose a Hugging Face model folder`,
    );
  });
});

it.each([
  [['tokenizer.model'], 'transformers sentencepiece protobuf'],
  [['spiece.model', 'vocab.json'], 'transformers sentencepiece protobuf'],
  [['vocab.json', 'merges.txt'], 'transformers'],
])('%j without tokenizer.json: how to make it', async (files, packages) => {
  const folder = dropped(Object.fromEntries(files.map((file) => [`m/${file}`, ''])));
  const own = files.includes('merges.txt') ? 'vocab.json and merges.txt' : files[0];
  expect(await refusal(() => requireJson(folder, 'tokenizer.json'))).toBe(
    `m has ${own}, but no tokenizer.json; make it in Python (pip install ${packages}) with: ` +
      'from transformers import AutoTokenizer; ' +
      'AutoTokenizer.from_pretrained("m").save_pretrained("m"). Then choose the folder again',
  );
  // The config of a model is not made of them.
  expect(await refusal(() => requireJson(folder, 'config.json'))).toContain(
    'choose a Hugging Face',
  );
});

it('a path that is no folder is refused by name', async () => {
  const missing = join(directory, 'nowhere');
  expect(await refusal(() => nodeFolder(missing))).toMatch(/nowhere does not exist; check/);
  const file = join(directory, 'config.json');
  expect(await refusal(() => nodeFolder(file))).toMatch(
    /config\.json is a file; name a GGUF file, or the folder/,
  );
});

it.each(['3G', '600M'])('a text that claims to have %s is refused, and not read', async (size) => {
  const path = join(directory, 'huge.json');
  await writeFile(path, '');
  await truncate(path, size === '3G' ? 3 * 2 ** 30 : 600 * 2 ** 20);
  const folder = await nodeFolder(directory);
  expect(await refusal(() => readJson(folder, 'huge.json'))).toMatch(
    /huge\.json has \d+ MB, more than a file of this kind can have \(269 MB\); put the right file/,
  );
  await rm(path);
});

it('a read of more than Node reads at once ends with what is there', async () => {
  const source = await (await nodeFolder(directory)).open('config.json');
  expect(await source!.read(1, 2 ** 31 + 1)).toHaveLength(7);
});

it('of dropped files with one name, the outermost counts', async () => {
  const paths = ['m/old/config.json', 'm/config.json', 'm/x/y/config.json'];
  const folder = droppedFolder(new Map(paths.map((path) => [path, new Blob([path])])));
  expect(folder.name).toBe('m');
  expect(await readText(folder, 'config.json')).toBe('m/config.json');
});

it('numbers that are not finite, as Python writes them, are read as texts', async () => {
  const folder = dropped({ 'config.json': '{"a": [0.0, Infinity, NaN], "b": -Infinity}' });
  expect(await readJson(folder, 'config.json')).toEqual({
    ...{ a: [0, 'Infinity', 'NaN'], b: '-Infinity' },
  });
});

it('JSON that is none is refused in one line, whatever it holds', async () => {
  const folder = dropped({ 'config.json': '{\n\n"a": |\n\0\n' });
  expect(await refusal(() => readJson(folder, 'config.json'))).toMatch(
    /^your files\/config\.json is not JSON \([^\n]*\); copy the file again$/,
  );
});

describe('the weights', () => {
  const index = JSON.stringify({ weight_map: { a: 's-2', b: 's-1', c: 's-2' } });
  const INDEX = 'model.safetensors.index.json';

  it('are one file, or every shard of the index once', async () => {
    const single = await weightFiles(dropped({ 'model.safetensors': 'x', [INDEX]: index }));
    expect(single.map(({ path }) => path)).toEqual(['your files/model.safetensors']);
    const shards = await weightFiles(dropped({ [INDEX]: index, 's-1': '1', 's-2': '22' }));
    expect(shards.map(({ size }) => size)).toEqual([1, 2]);
  });

  it.each(['../outside.safetensors', '/etc/passwd', 'a/b.safetensors', '..\\x'])(
    'are in the folder itself, not in %s',
    async (name) => {
      const text = JSON.stringify({ weight_map: { a: name } });
      expect(await refusal(() => weightFiles(dropped({ [INDEX]: text, [name]: 'x' })))).toMatch(
        /index\.json names ".*", which is not a file of the folder itself; copy the file again$/,
      );
    },
  );

  it('that are incomplete are refused with what to do', async () => {
    expect(await refusal(() => weightFiles(dropped({ [INDEX]: index, 's-1': '' })))).toBe(
      `your files has no s-2, which ${INDEX} names; add what is missing`,
    );
    expect(await refusal(() => weightFiles(dropped({ [INDEX]: '{}' })))).toContain('no weight_map');
    for (const file of ['pytorch_model.bin', 'pytorch_model.bin.index.json']) {
      expect(await refusal(() => weightFiles(dropped({ [file]: '' })))).toMatch(
        /has no model.safetensors and no .*; save pytorch_model.bin as safetensors$/,
      );
    }
  });
});

it('a folder of models names some of them, and passes over what it cannot read', async () => {
  const names = ['g', 'f', 'e', 'lost+found', 'd', 'c', 'b', 'a', 'notes.txt'];
  const config = { path: '', size: 0, read: () => Promise.resolve(new Uint8Array()) };
  const open = (path: string): Promise<FileSource | undefined> => {
    if (path.startsWith('lost')) return Promise.reject(new CheckpointError('it cannot be read'));
    return Promise.resolve(/^[a-g]\/config.json$/.test(path) ? config : undefined);
  };
  const folder = { name: 'many', open, list: () => Promise.resolve(names) };
  await expect(requireJson(folder, 'config.json')).rejects.toThrow(
    'many is a folder of models; choose one of them: many/a, many/b, many/c, many/d, many/e and 2 more',
  );
});
