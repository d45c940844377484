import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { HandoverSource } from '../app/handover/source.ts';
import { HANDOVERS } from '../app/handover/files.ts';
import { isTarget, targets } from '../app/handover/targets.ts';
import { CheckpointError } from '../model/errors.ts';
import { OUTTYPES } from '../model/gguf-writer/types.ts';
import { nodeFolder } from '../model/node-files.ts';
import { EXPORTS, modelFiles } from '../rl/runs/export.ts';
import { ROW_FOLDERS } from '../rl/runs/run-folder.ts';
import { PARTIAL } from '../rl/runs/run-folder.node.ts';
import { storageError } from '../rl/runs/storage-error.ts';
import { UsageError } from './arguments.ts';
import { defineCommand } from './command.ts';
import { baseOption, openAt, readRecipeFile } from './open.ts';
import { findPolicy } from './run-files.ts';
import { writeWhole } from './write-whole.ts';

export const exporting = defineCommand({
  name: 'export',
  positionals: {
    SOURCE: 'Folder of a run (its last checkpoint is used), a checkpoint, or an adapter.',
  },
  summary:
    'Writes a trained model for transformers, peft or llama.cpp, or a run to go on in TRL, verl or OpenRLHF.',
  options: {
    to: {
      type: 'choice',
      choices: [...EXPORTS, ...targets],
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
    await refuseOut(out);
    const files = isTarget(to)
      ? await HANDOVERS[to](await handoverSource(source, base))
      : await modelFiles(await openAt(source, base), to, outtype);
    await writeWhole(out, files).catch((error: unknown) => {
      throw storageError(error, out);
    });
    return { out, files: files.map(({ path }) => path).sort() };
  },
  format: ({ out, files }) => `${out}: ${files.join(', ')}\n`,
});

/** @throws an error with a sentence if a folder cannot be written there */
async function refuseOut(out: string): Promise<void> {
  const there = await readdir(out).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw storageError(error, out);
  });
  if (there.some((name) => name !== PARTIAL)) {
    throw new CheckpointError(`${out} is not empty; choose a new folder`);
  }
  // A run that goes on writes, reads and removes what lies in its own folders.
  const folders = resolve(out).split(sep);
  for (const [i, name] of folders.entries()) {
    const run = folders.slice(0, i).join(sep);
    if (OF_A_RUN.includes(name) && existsSync(join(run, 'recipe.yaml'))) {
      throw new UsageError(
        `${out} lies in ${name}, a folder of the run ${run}; choose a folder outside the run`,
      );
    }
  }
}

/** Folders that a run fills. */
const OF_A_RUN: readonly string[] = ['checkpoints', ...ROW_FOLDERS];

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
