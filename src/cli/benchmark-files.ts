/** Files of the command benchmark: the data that the user brings, and the rows that a killed process finds again. */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { access, appendFile, readFile, stat, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { parseJsonLines } from '../rl/data/json-lines.ts';
import {
  BenchmarkDataError,
  type Benchmark,
  type DataLines,
  type DataTexts,
} from '../rl/evaluation/benchmarks/benchmark.ts';
import { makeFolders } from '../rl/runs/run-folder.node.ts';
import { storageError } from '../rl/runs/storage-error.ts';
import { UsageError } from './arguments.ts';
import { writeResult } from './write-result.ts';

interface Data {
  texts: DataTexts;
  large: DataLines;
  /** Of all files: answers to other questions are not taken for answers to these. */
  sha256: string;
}

/**
 * The contents of the benchmark's files.
 * @param data a folder with the files, or with a folder of the benchmark's name that has them, or the first file
 * @throws BenchmarkDataError that names every missing file and where its makers publish it
 */
export async function readData(
  { name, title, files }: Pick<Benchmark, 'name' | 'title' | 'files'>,
  data: string,
): Promise<Data> {
  const isFile = await stat(data).then(
    (found) => found.isFile(),
    () => false,
  );
  const own = join(data, name);
  const folder = isFile ? dirname(data) : (await isFolder(own)) ? own : data;
  const texts: Partial<Record<string, string>> = {};
  const large: Partial<Record<string, Iterable<string>>> = {};
  const missing: string[] = [];
  const hash = createHash('sha256');
  for (const [i, file] of files.entries()) {
    const path = isFile && i === 0 ? data : join(folder, file.name);
    hash.update(`${file.name}\n`);
    try {
      if (file.large) {
        await access(path);
        for await (const part of createReadStream(path)) hash.update(part as Uint8Array);
        large[file.name] = { [Symbol.iterator]: () => linesOf(path) };
      } else {
        const text = await readFile(path, 'utf8');
        hash.update(text);
        texts[file.name] = text;
      }
    } catch (error) {
      if (!isMissing(error)) {
        throw new BenchmarkDataError(`${path} cannot be read: ${String(error)}`);
      }
      if (!file.optional) missing.push(`${path} (${file.holds}: ${file.from})`);
    }
  }
  if (missing.length === 0) return { texts, large, sha256: hash.digest('hex') };
  throw new BenchmarkDataError(
    `${title} needs ${missing.join(' and ')}; download what is missing, or name another place with --data`,
  );
}

const PIECE_BYTES = 2 ** 20;

/** The lines of a file, one after the other. @param pieceBytes how much is read at once */
export function* linesOf(path: string, pieceBytes = PIECE_BYTES): Generator<string> {
  const file = openSync(path, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const piece = Buffer.alloc(pieceBytes);
    let last = '';
    for (let read = -1; read !== 0;) {
      read = readSync(file, piece);
      const lines = decoder.write(piece.subarray(0, read)).split('\n');
      lines[0] = last + lines[0]!;
      last = lines.pop()!;
      yield* lines;
    }
    yield last + decoder.end();
  } finally {
    closeSync(file);
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** A JSONL file to which rows are added; what is in it is not done again. */
export class Rows<Row extends object> {
  private constructor(
    private readonly path: string,
    readonly rows: Row[],
  ) {}

  /** Half a last row, of a process that was killed, is cut off. @throws UsageError for a damaged file */
  static async open<Row extends object>(path: string): Promise<Rows<Row>> {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return '';
      throw error;
    });
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) await truncate(path, Buffer.byteLength(whole));
    const { rows, damaged } = parseJsonLines<Row>(whole);
    if (damaged.length > 0) {
      throw new UsageError(
        `${path}, line ${damaged[0]} is not a JSON object; remove that line, and it is made again`,
      );
    }
    return new Rows(path, rows);
  }

  async add(rows: readonly Row[]): Promise<void> {
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    await appendFile(this.path, text).catch((error: unknown) => {
      throw storageError(error, this.path);
    });
    this.rows.push(...rows);
  }
}

/**
 * Makes the folder, or goes on in it if its rows were made in the same way.
 * @param name of the file that says how rows were made
 * @throws UsageError if they were made in another way
 */
export async function keepSettings(folder: string, name: string, settings: object): Promise<void> {
  await makeFolders(folder).catch((error: unknown) => {
    throw storageError(error, folder);
  });
  const path = join(folder, name);
  const text = `${JSON.stringify(settings, undefined, 2)}\n`;
  const old = await readFile(path, 'utf8').catch(() => undefined);
  if (old === undefined) return writeResult(path, text);
  if (old === text) return;
  throw new UsageError(
    `${folder} has rows that were made in another way (${difference(old, settings)}); name another ` +
      'folder with --out, or remove this one',
  );
}

function difference(old: string, settings: object): string {
  let before: Record<string, unknown>;
  try {
    before = JSON.parse(old) as Record<string, unknown>;
  } catch {
    return 'its settings cannot be read';
  }
  const changed = Object.entries<unknown>({ ...settings }).find(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key]),
  );
  if (!changed) return 'with settings that are not given now';
  const [key, value] = changed;
  const shown = (one: unknown): string => (one === undefined ? 'not set' : JSON.stringify(one));
  return `${key} was ${shown(before[key])} and is ${shown(value)} now`;
}
