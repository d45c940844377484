/**
 * Where a checkpoint's files come from: a folder on disk (node-files.ts), a URL, or files dropped
 * on the page. Weight files can be larger than memory, so they are read in pieces.
 */
import { CheckpointError, shown } from './errors.ts';
import { DEEPEST, depthOf } from './json.ts';
import { placeInModel } from './model-files.ts';

/** Large files are read, written and copied in pieces of at most this many bytes. */
export const PIECE_BYTES = 2 ** 23;

export interface FileSource {
  /** Folder and name, for messages. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Bytes [start, end); by default all of them. */
  read(start?: number, end?: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** The contents of a file to write; a stream is read once, in pieces. */
export type FileContents =
  string | Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array<ArrayBuffer>>;

export interface CheckpointFolder {
  /** For messages. */
  readonly name: string;
  /** undefined when there is no such file. */
  open(file: string): Promise<FileSource | undefined>;
  /** Names of the files and folders in it; absent for a URL, which has no list of files. */
  list?(): Promise<readonly string[]>;
  /**
   * A safetensors file whose matrices may have the GPU's quantised types, where the weights come in
   * such types; model.safetensors then has them widened.
   */
  quantised?: (() => FileSource) | undefined;
}

/** Files under a URL, such as the models that ship with the page. Each is fetched whole. */
export function urlFolder(base: string): CheckpointFolder {
  const root = base.replace(/\/$/, '');
  return {
    name: root,
    async open(file) {
      const path = `${root}/${file}`;
      // A redirect could lead to another server.
      const response = await fetch(path, { redirect: 'error' }).catch((error: unknown) => {
        throw new CheckpointError(`${path} cannot be fetched (${String(error)}); try again`);
      });
      // Servers of single-page applications answer a missing file with the page.
      const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false;
      if (response.status === 404 || isPage) return undefined;
      if (!response.ok) {
        throw new CheckpointError(
          `${path} cannot be fetched (status ${response.status}); try again`,
        );
      }
      return blobSource(path, await response.blob());
    },
  };
}

/**
 * Files that a visitor chose or dropped, by their paths ("my-model/config.json"). If several
 * folders have a file of one name, the file of the outermost folder is used.
 */
export function droppedFolder(files: ReadonlyMap<string, Blob>): CheckpointFolder {
  const outermostFirst = [...files.keys()].sort((a, b) => depth(a) - depth(b));
  const name = outermostFirst[0]?.includes('/') ? outermostFirst[0].split('/')[0]! : 'your files';
  return {
    name,
    open(file) {
      const path = outermostFirst.find((p) => placeInModel(p).file === file);
      const blob = path === undefined ? undefined : files.get(path);
      return Promise.resolve(blob && blobSource(`${name}/${file}`, blob));
    },
    list: () =>
      Promise.resolve([
        ...new Set(outermostFirst.map((path) => placeInModel(path).file.split('/')[0]!)),
      ]),
  };
}

const depth = (path: string): number => path.split('/').length;

/** The last part of a path with forward slashes. */
export const basename = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

export function blobSource(path: string, blob: Blob): FileSource {
  return {
    path,
    size: blob.size,
    async read(start = 0, end = blob.size) {
      return new Uint8Array(await blob.slice(start, end).arrayBuffer());
    },
  };
}

/** More bytes than any file has that is read whole; the platform's longest text has about twice as many. */
export const MOST_WHOLE = 2 ** 28;

/**
 * All bytes of a file that has to be in memory: a text, or a template.
 * @throws CheckpointError for a file of more than `MOST_WHOLE` bytes
 */
export async function readWhole(source: FileSource): Promise<Uint8Array<ArrayBuffer>> {
  const { path, size } = source;
  if (size <= MOST_WHOLE) return source.read();
  throw new CheckpointError(
    `${path} has ${megabytes(size)} MB, more than a file of this kind can have ` +
      `(${megabytes(MOST_WHOLE)} MB); put the right file there`,
  );
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);

/** A whole text file; undefined when there is no such file. */
export async function readText(
  folder: Pick<CheckpointFolder, 'open'>,
  file: string,
): Promise<string | undefined> {
  const source = await folder.open(file);
  return source && new TextDecoder().decode(await readWhole(source));
}

/** A JSON file that holds an object; undefined when there is no such file. */
export async function readJson(
  folder: CheckpointFolder,
  file: string,
): Promise<Record<string, unknown> | undefined> {
  const text = await readText(folder, file);
  if (text === undefined) return undefined;
  const path = `${folder.name}/${file}`;
  const value = parseFile(text, path);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CheckpointError(`${path} must hold a JSON object; copy the file again`);
  }
  return value as Record<string, unknown>;
}

/**
 * Numbers that Python writes and JSON has not, as config.json of Mamba 2 has them: read as texts, which are
 * refused where a number is needed.
 */
const NOT_FINITE = /([:,[]\s*)(-?Infinity|NaN)(?=\s*[,\]}])/g;

function parseFile(text: string, path: string): unknown {
  if (depthOf(text) > DEEPEST) {
    throw new CheckpointError(
      `${path} is nested more than ${DEEPEST} deep, so it is not what it should be; copy it again`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const asTexts = text.replace(NOT_FINITE, '$1"$2"');
    if (asTexts !== text) return parseFile(asTexts, path);
    // The parser quotes the text, which may have line breaks.
    const reason = (error as SyntaxError).message.replace(/[\s\p{Cc}]+/gu, ' ');
    throw new CheckpointError(`${path} is not JSON (${reason}); copy the file again`);
  }
}

/** As `readJson`, for a file that must be there. */
export async function requireJson(
  folder: CheckpointFolder,
  file: string,
): Promise<Record<string, unknown>> {
  const value = await readJson(folder, file);
  if (!value) throw new CheckpointError(await whatIsMissing(folder, file));
  return value;
}

/** Why `file` may be missing, judged by the files that are there. */
async function whatIsMissing(folder: CheckpointFolder, file: string): Promise<string> {
  const names = (await folder.list?.()) ?? [];
  const gguf = names.filter((name) => name.endsWith('.gguf'));
  if (gguf.length > 0) {
    return `${folder.name} holds ${gguf.length} GGUF files (${gguf.join(', ')}); choose one of them`;
  }
  if (file === 'config.json' && (await folder.open('adapter_config.json'))) {
    return `${folder.name} is an adapter where a whole model is needed; choose a model folder`;
  }
  if (file === 'tokenizer.json') {
    const slow = await slowTokenizer(folder);
    if (slow !== undefined) return slow;
  }
  const models = file === 'config.json' ? await modelsIn(folder, names) : [];
  if (models.length > 0) {
    const some = models.slice(0, MOST_NAMED).join(', ');
    const more = models.length > MOST_NAMED ? ` and ${models.length - MOST_NAMED} more` : '';
    return `${folder.name} is a folder of models; choose one of them: ${some}${more}`;
  }
  return `${folder.name} has no ${file}; choose a Hugging Face model folder`;
}

/** How transformers makes tokenizer.json of a tokenizer's older files, if those are there. */
async function slowTokenizer(folder: CheckpointFolder): Promise<string | undefined> {
  for (const { files, packages } of SLOW_TOKENIZERS) {
    const found = await Promise.all(files.map((file) => folder.open(file)));
    if (!found.every(Boolean)) continue;
    const path = JSON.stringify(folder.name);
    return (
      `${folder.name} has ${files.join(' and ')}, but no tokenizer.json; make it in Python (pip install ` +
      `${packages}) with: from transformers import AutoTokenizer; AutoTokenizer.from_pretrained(${path})` +
      `.save_pretrained(${path}). Then choose the folder again`
    );
  }
  return undefined;
}

/** The files of tokenizers before tokenizer.json, and what transformers needs to read them. */
const SLOW_TOKENIZERS = [
  ...['tokenizer.model', 'spiece.model', 'sentencepiece.bpe.model'].map((file) => ({
    ...{ files: [file], packages: 'transformers sentencepiece protobuf' },
  })),
  ...[['vocab.json', 'merges.txt'], ['vocab.txt']].map((files) => ({
    ...{ files, packages: 'transformers' },
  })),
];

/** Models that a message names. */
const MOST_NAMED = 5;

/** The folders in a folder that have a config.json; those that cannot be read are passed over. */
async function modelsIn(folder: CheckpointFolder, names: readonly string[]): Promise<string[]> {
  const models: string[] = [];
  for (const name of names) {
    const config = await folder.open(`${name}/config.json`).catch(() => undefined);
    if (config) models.push(`${folder.name}/${name}`);
  }
  return models.sort();
}

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/**
 * The files that hold the weights: model.safetensors, or every shard that the index names, or the one
 * safetensors file that is there under another name.
 */
export async function weightFiles(folder: CheckpointFolder): Promise<FileSource[]> {
  const single = await folder.open(SINGLE);
  if (single) return [single];
  const index = await readJson(folder, INDEX);
  if (!index) return [await onlyWeights(folder)];
  const names = [...new Set(Object.values(index.weight_map ?? {}))];
  if (names.length === 0 || !areTexts(names)) {
    throw new CheckpointError(`${folder.name}/${INDEX} has no weight_map; copy the file again`);
  }
  names.sort();
  const outside = names.find((name) => /[/\\]/.test(name));
  if (outside !== undefined) {
    throw new CheckpointError(
      `${folder.name}/${INDEX} names ${shown(outside)}, which is not a file of the folder itself; ` +
        'copy the file again',
    );
  }
  const shards = await Promise.all(names.map((name) => folder.open(name)));
  const missing = names.filter((_, i) => !shards[i]);
  if (missing.length > 0) {
    throw new CheckpointError(
      `${folder.name} has no ${missing.join(', ')}, which ${INDEX} names; add what is missing`,
    );
  }
  return shards as FileSource[];
}

const areTexts = (values: readonly unknown[]): values is string[] =>
  values.every((value) => typeof value === 'string');

async function onlyWeights(folder: CheckpointFolder): Promise<FileSource> {
  const names = ((await folder.list?.()) ?? []).filter((name) => name.endsWith('.safetensors'));
  if (names.length > 1) {
    throw new CheckpointError(
      `${folder.name} has ${names.length} safetensors files and no ${INDEX}, which says which ` +
        'tensor is in which file; add it',
    );
  }
  const [name] = names;
  const source = name === undefined ? undefined : await folder.open(name);
  if (source) return source;
  const gguf = ((await folder.list?.()) ?? []).some((file) => file.endsWith('.gguf'));
  if (gguf) throw new CheckpointError(await whatIsMissing(folder, SINGLE));
  const old = ['pytorch_model.bin', 'pytorch_model.bin.index.json'];
  const other = (await Promise.all(old.map((file) => folder.open(file)))).some(Boolean);
  const advice = other ? 'save pytorch_model.bin as safetensors' : 'choose a complete folder';
  throw new CheckpointError(`${folder.name} has no ${SINGLE} and no ${INDEX}; ${advice}`);
}
