import { expect, it } from 'vitest';
import { blobSource, type FileSource } from './files.ts';
import { freeName } from './same-files.ts';

const model = (...weights: number[]): ReadonlyMap<string, Blob> =>
  new Map([
    ['config.json', new Blob(['{}'])],
    ['model.safetensors', new Blob([Uint8Array.from(weights)])],
  ]);

it('two models of the same name and the same sizes get two names, and the same model one', async () => {
  const shelf = new Map<string, ReadonlyMap<string, Blob>>();
  const storedAs = (name: string): Promise<FileSource[] | undefined> => {
    const files = shelf.get(name);
    const sources = [...(files ?? [])].map(([path, blob]) => blobSource(`${name}/${path}`, blob));
    return Promise.resolve(files && sources);
  };
  const drop = async (files: ReadonlyMap<string, Blob>): Promise<string> => {
    const { name, isThere } = await freeName('mine', files, storedAs);
    if (!isThere) shelf.set(name, files);
    return name;
  };
  expect(await drop(model(1, 2, 3))).toBe('mine');
  expect(await drop(model(1, 2, 4))).toBe('mine-2');
  expect(await drop(model(1, 2))).toBe('mine-3');
  expect(await drop(model(1, 2, 4))).toBe('mine-2');
  expect(await drop(model(1, 2, 3))).toBe('mine');
  expect(shelf.size).toBe(3);
});
