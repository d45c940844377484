import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HandoverSource } from '../app/handover/source.ts';
import { HANDOVERS } from '../app/handover/files.ts';
import { isTarget, targets } from '../app/handover/targets.ts';
import type { Checkpoint } from '../model/adapted.ts';
import { CheckpointError } from '../model/errors.ts';
import { OUTTYPES, type Outtype } from '../model/gguf-writer/types.ts';
import { nodeFolder } from '../model/node-files.ts';
import {
  EXPORTS,
  ggufFiles,
  modelFiles,
  type ExportFile,
  type ExportKind,
} from '../rl/runs/export.ts';
import { PARTIAL } from '../rl/runs/run-folder.node.ts';
import { storageError } from '../rl/runs/storage-error.ts';
import { UsageError } from './arguments.ts';
import { defineCommand } from './command.ts';
import { baseOption, openAt, readRecipeFile } from './open.ts';
import { refuseIfFull } from './room.ts';
import { findPolicy, lastCheckpointIn } from './run-files.ts';

export const exporting = defineCommand({
  name: 'export',
  positionals: {
    SOURCE: 'Folder of a run (its last checkpoint is used), a checkpoint, or an adapter.',
  },
  summary: 'Writes a trained model for transformers, peft or llama.cpp.',
  options: {
    to: {
      type: 'choice',
      choices: [...EXPORTS, 'gguf', ...targets],
      help: `hf: a model whose weights were trained; peft: an adapter; merged: an adapter merged into its base model; gguf: a file for llama.cpp, Ollama and LM Studio; ${targets.join(', ')}: a run, to go on there.`,
    },
    outtype: {
      type: 'choice',
      choices: [...OUTTYPES],
      default: 'f16',
      help: 'How the matrices of a GGUF file are stored.',
    },
    out: { type: 'text', help: 'Folder to write; it must be empty or new.' },
    ...baseOption,
  },
  async run({ positionals: [source = ''], options: { to, outtype, out, base } }) {
    // The error for a folder that is not there.
    await nodeFolder(source);
    const files = isTarget(to)
      ? await HANDOVERS[to](await handoverSource(source, base))
      : await filesOf(await openAt((await lastCheckpointIn(source)) ?? source, base), to, outtype);
    const there = await readdir(out).catch(() => []);
    if (there.some((name) => name !== PARTIAL)) {
      throw new CheckpointError(`${out} is not empty; choose a new folder`);
    }
    await writeWhole(out, files).catch((error: unknown) => {
      throw storageError(error, out);
    });
    return { out, files: files.map(({ path }) => path).sort() };
  },
  format: ({ out, files }) => `${out}: ${files.join(', ')}\n`,
});

const filesOf = (checkpoint: Checkpoint, to: ExportKind | 'gguf', outtype: Outtype) =>
  to === 'gguf' ? ggufFiles(checkpoint, outtype) : modelFiles(checkpoint, to);

/** The files are in the folder when all of them are written: nobody takes half of an export for a model. */
async function writeWhole(out: string, files: readonly ExportFile[]): Promise<void> {
  const isNew = (await mkdir(out, { recursive: true })) !== undefined;
  const partial = join(out, PARTIAL);
  try {
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    await refuseIfFull(out, bytes, 'free some space, or choose a folder on another disk');
    await mkdir(partial, { recursive: true });
    for (const { path, pieces } of files) {
      await mkdir(dirname(join(partial, path)), { recursive: true });
      const handle = await open(join(partial, path), 'w');
      try {
        // Its types leave out that it takes a stream, piece by piece.
        await handle.writeFile(pieces() as unknown as string);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    // The config comes first in the list, and last into the folder.
    const entries = new Set(files.map(({ path }) => path.split('/', 1)[0]!));
    for (const name of [...entries].toReversed())
      await rename(join(partial, name), join(out, name));
    await rmdir(partial);
  } catch (error) {
    await rm(isNew ? out : partial, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

/** A run at its last checkpoint, and what its recipe names. */
async function handoverSource(path: string, base?: string): Promise<HandoverSource> {
  const { of, path: checkpoint } = await findPolicy(path);
  // An output of TRL has a recipe, too, and no moments that could go on.
  const [, step] = /step-(\d+)$/.exec(checkpoint) ?? [];
  if (!of || step === undefined) {
    throw new UsageError(`${path} is no run of Ponder; name the folder of such a run`);
  }
  const { recipe } = of;
  return {
    recipe,
    step: Number(step),
    policy: await openAt(checkpoint, base),
    moments: await (await nodeFolder(checkpoint)).open('optimizer.safetensors'),
    start: () => openAt(recipe.model_name_or_path!),
    open: openAt,
    readFile: readRecipeFile,
  };
}
