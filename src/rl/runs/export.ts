/**
 * Exports: a trained model as a folder that transformers or peft can load, and the files of a run.
 * Files are read piece by piece, so a model is never in memory as a whole.
 */
import type { Checkpoint } from '../../model/adapted.ts';
import { GENERATION_CONFIG, readConfig } from '../../model/checkpoint.ts';
import { rewardFields } from '../../model/config.ts';
import { CheckpointError } from '../../model/errors.ts';
import {
  basename,
  PIECE_BYTES,
  readWhole,
  requireJson,
  weightFiles,
  type CheckpointFolder,
  type FileSource,
} from '../../model/files.ts';
import { openGguf } from '../../model/gguf-writer/file.ts';
import type { Outtype } from '../../model/gguf-writer/types.ts';
import { openMerge } from '../../model/merge.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../model/peft.ts';
import { tokenizerFiles } from '../../model/tokenizer.ts';
import type { RunFolder } from './run-folder.ts';

/**
 * hf: a model whose weights were trained; peft: an adapter; merged: an adapter merged into its base; gguf: either,
 * as one file for llama.cpp, Ollama and LM Studio, with the tokenizer and the chat template in it.
 */
export const EXPORTS = ['hf', 'peft', 'merged', 'gguf'] as const;
export type ExportKind = (typeof EXPORTS)[number];

type Bytes = Uint8Array<ArrayBuffer>;

export interface ExportFile {
  /** Path inside the exported folder. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** The contents in order. */
  readonly pieces: () => AsyncIterable<Bytes>;
}

/**
 * The files of a model's folder, in the best order to write them.
 * @param outtype of a GGUF file
 * @throws CheckpointError if the checkpoint cannot be exported so, or its adapter is for another base
 */
export async function modelFiles(
  checkpoint: Checkpoint,
  to: ExportKind,
  outtype: Outtype = 'f16',
): Promise<ExportFile[]> {
  const { base, adapter } = checkpoint;
  if (to === 'gguf') {
    return [{ path: `model-${outtype}.gguf`, ...(await openGguf(checkpoint, outtype)) }];
  }
  checkKind(checkpoint, to);
  const texts = await tokenizerFiles(checkpoint.tokenizer);
  if (to !== 'peft' && !texts.has(GENERATION_CONFIG)) {
    const own = await base.open(GENERATION_CONFIG);
    if (own) texts.set(GENERATION_CONFIG, await readWhole(own));
  }
  return [
    ...(to === 'peft' && adapter ? await copies(adapter.folder, ADAPTER_FILES) : []),
    ...(to === 'merged' && adapter ? await mergedFiles(base, adapter) : []),
    ...(to === 'hf' ? await wholeFiles(base) : []),
    ...[...texts].map(([path, bytes]) => inMemory(path, bytes)),
  ];
}

const ADAPTER_FILES = [ADAPTER_CONFIG, ADAPTER_WEIGHTS];

function checkKind({ base, adapter }: Checkpoint, to: ExportKind): void {
  if (to === 'hf' && adapter) {
    throw new CheckpointError(`${adapter.folder.name} is an adapter; use --to peft or --to merged`);
  }
  if (to !== 'hf' && !adapter) {
    throw new CheckpointError(`${base.name} is a whole model and has no adapter; use --to hf`);
  }
}

async function mergedFiles(
  base: CheckpointFolder,
  adapter: NonNullable<Checkpoint['adapter']>,
): Promise<ExportFile[]> {
  const { size, pieces } = await openMerge(base, adapter);
  const config =
    adapter.config.task === 'SEQ_CLS'
      ? [await rewardConfigFile(base)]
      : await copies(base, ['config.json']);
  return [...config, { path: 'model.safetensors', size, pieces }];
}

/** The base's config.json with all its fields, changed to that of a reward model. */
async function rewardConfigFile(base: CheckpointFolder): Promise<ExportFile> {
  const { family } = await readConfig(base);
  const json = { ...(await requireJson(base, 'config.json')), ...rewardFields(family) };
  return inMemory('config.json', new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`));
}

/** The weights unchanged: one file, or shards with their index. */
async function wholeFiles(base: CheckpointFolder): Promise<ExportFile[]> {
  const config = await copies(base, ['config.json']);
  const [only, ...more] = await weightFiles(base);
  if (only && more.length === 0) return [...config, copy('model.safetensors', only)];
  const index = await copies(base, ['model.safetensors.index.json']);
  const shards = [only!, ...more].map((source) => copy(basename(source.path), source));
  return [...config, ...index, ...shards];
}

/** The metrics, completions and recipe of a run. */
export async function runFiles(folder: RunFolder, inside: string): Promise<ExportFile[]> {
  const completions = (await folder.list('completions')).map((name) => `completions/${name}`);
  const files: ExportFile[] = [];
  for (const path of ['recipe.yaml', 'metrics.jsonl', 'summary.json', ...completions]) {
    const source = await folder.open(path);
    if (source) files.push(copy(`${inside}/${path}`, source));
  }
  return files;
}

async function copies(folder: CheckpointFolder, names: readonly string[]): Promise<ExportFile[]> {
  const sources = await Promise.all(names.map((name) => folder.open(name)));
  return names.map((name, i) => {
    const source = sources[i];
    if (!source) throw new CheckpointError(`${folder.name} has no ${name}; choose another folder`);
    return copy(name, source);
  });
}

/** A file as it is. */
export function copy(path: string, source: FileSource): ExportFile {
  return {
    path,
    size: source.size,
    async *pieces() {
      for (let at = 0; at < source.size; at += PIECE_BYTES) {
        const end = Math.min(source.size, at + PIECE_BYTES);
        const bytes = await source.read(at, end);
        if (bytes.length < end - at) {
          throw new CheckpointError(
            `${source.path} became shorter while it was read; export again`,
          );
        }
        yield bytes;
      }
    },
  };
}

export function inMemory(path: string, bytes: Bytes): ExportFile {
  return {
    path,
    size: bytes.length,
    // eslint-disable-next-line @typescript-eslint/require-await -- a list in the shape of a stream
    async *pieces() {
      yield bytes;
    },
  };
}
