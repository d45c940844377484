/** GGUF models in several files. The parts are made as llama-gguf-split makes them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '../../src/model/checkpoint.ts';
import { CheckpointError } from '../../src/model/errors.ts';
import { blobSource, droppedFolder, type CheckpointFolder } from '../../src/model/files.ts';
import { orGguf } from '../../src/model/gguf-folder.ts';
import { readGgufHeader, type GgufValue } from '../../src/model/gguf-header.ts';
import { openGguf } from '../../src/model/gguf-writer/file.ts';
import {
  aligned,
  bool,
  encodeHeader,
  float32,
  text,
  uint32,
  type Written,
} from '../../src/model/gguf-writer/header.ts';
import { nodeFolder } from '../../src/model/node-files.ts';
import { modelsAmong } from '../../src/ui/models/dropped-models.ts';
import { ggufCase } from '../gguf-models.ts';

type Bytes = Uint8Array<ArrayBuffer>;
const NAMES = [1, 2, 3].map((i) => `tiny-0000${i}-of-00003.gguf`);
let file: Blob;
let whole: CheckpointFolder;
let parts: Blob[];
let directory: string;

function written(value: GgufValue): Written {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'boolean') return bool(value);
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= 0 ? uint32(value) : float32(value);
  }
  if (typeof value[0] === 'string') return { kind: 'texts', values: value as string[] };
  const isInteger = value.every(Number.isInteger);
  return { kind: isInteger ? 'int32s' : 'float32s', values: value as number[] };
}

/** @param cuts numbers of the tensors at which a new part begins */
async function split(file: Blob, cuts: readonly number[]): Promise<Blob[]> {
  const { values, tensors } = await readGgufHeader(blobSource('tiny.gguf', file));
  const ends = tensors.map((_, i) => tensors[i + 1]?.start ?? file.size);
  return cuts.map((cut, number) => {
    const range = tensors.slice(cut, cuts[number + 1]);
    const data = range.map(({ start }, i) => file.slice(start, ends[cut + i]));
    let offset = 0;
    const placed = range.map((tensor, i) => {
      const at = offset;
      offset += aligned(data[i]!.size);
      return { ...tensor, offset: at };
    });
    const keys = new Map<string, Written>([
      ...(number === 0 ? [...values].map(([key, value]) => [key, written(value)] as const) : []),
      ['split.no', uint32(number)],
      ['split.count', uint32(cuts.length)],
    ]);
    return new Blob([encodeHeader(keys, placed), ...data]);
  });
}

beforeAll(async () => {
  const { folder } = ggufCase('qwen2');
  const pieces: Bytes[] = [];
  const made = await openGguf({ base: folder, tokenizer: folder }, 'q8_0');
  for await (const piece of made.pieces()) pieces.push(piece);
  file = new Blob(pieces);
  whole = await orGguf(droppedFolder(new Map([['tiny.gguf', file]])));
  // llama-gguf-split can leave the first part without tensors.
  parts = await split(file, [0, 0, 5]);
  directory = await mkdtemp(join(tmpdir(), 'ponder-'));
  for (const [i, part] of parts.entries()) {
    await writeFile(join(directory, NAMES[i]!), new Uint8Array(await part.arrayBuffer()));
  }
});
afterAll(() => rm(directory, { recursive: true }));

const weights = async (folder: CheckpointFolder): Promise<Bytes> =>
  (await folder.open('model.safetensors'))!.read();

async function refusal(run: () => Promise<unknown>): Promise<string> {
  const error: unknown = await run().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CheckpointError);
  return (error as CheckpointError).message;
}

const dropped = (...entries: [string, Blob][]): Promise<CheckpointFolder> =>
  orGguf(droppedFolder(new Map(entries)));
const named = (...numbers: number[]): [string, Blob][] =>
  numbers.map((i) => [NAMES[i]!, parts[i]!]);

it('are one model: in a folder, beside the one that is named, and dropped together', async () => {
  const read = [
    await nodeFolder(directory),
    await nodeFolder(join(directory, NAMES[0]!)),
    await nodeFolder(join(directory, NAMES[2]!)),
    await dropped(...named(2, 0, 1)),
  ];
  for (const folder of read) {
    expect(await readConfig(folder)).toEqual(await readConfig(whole));
    expect(await weights(folder)).toEqual(await weights(whole));
  }
});

it('have one name on the page', () => {
  const files = NAMES.map((name) => [name, new File([], name)] as const);
  const models = modelsAmong(new Map(files));
  expect(models.map(({ name, files }) => [name, [...files.keys()]])).toEqual([['tiny', NAMES]]);
});

it('that are not all there are named', async () => {
  expect(await refusal(() => dropped(...named(0)))).toBe(
    `your files has ${NAMES[0]!}, a part of a model in 3 files, but not ${NAMES[1]!}, ` +
      `${NAMES[2]!}; bring all parts together`,
  );
  const many = await refusal(() => dropped(['m-00003-of-00012.gguf', parts[2]!]));
  expect(many).toContain('but not m-00001-of-00012.gguf and 10 more parts;');
});

it('with other names, twice, or of other models are refused', async () => {
  expect(await refusal(() => dropped(['renamed.gguf', parts[1]!]))).toMatch(
    /^your files\/renamed\.gguf is part 2 of 3 of a model, and its name does not say so;/,
  );
  const swapped = named(0, 1, 2).map(([name], i): [string, Blob] => [name, parts[[0, 2, 1][i]!]!]);
  expect(await refusal(() => dropped(...swapped))).toMatch(/00002-of-00003.gguf is part 3 of 3/);
  expect(
    await refusal(async () => readConfig(await dropped(...named(0, 1, 2), ['b.gguf', parts[0]!]))),
  ).toMatch(/holds 4 GGUF files .*; choose one of them/);
  // Both have the first tensor.
  const [first] = await split(file, [0, 1]);
  const [, second] = await split(file, [0, 0]);
  expect(
    await refusal(() =>
      dropped(['a-00001-of-00002.gguf', first!], ['a-00002-of-00002.gguf', second!]),
    ),
  ).toMatch(/has tensor .* a second time/);
});
