import { createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CheckpointError } from '../model/errors.ts';
import { nodeFolder } from '../model/node-files.ts';
import { EXPORTS, modelFiles } from '../rl/runs/export.ts';
import { lastCheckpoint } from '../rl/runs/run-folder.ts';
import { nodeRunFolder } from '../rl/runs/run-folder.node.ts';
import { trlFiles, type HandoverSource } from '../app/handover/trl/trl.ts';
import { UsageError } from './arguments.ts';
import { defineCommand } from './command.ts';
import { baseOption, openAt, readRecipeFile } from './open.ts';
import { findPolicy } from './run-files.ts';

export const exporting = defineCommand({
  name: 'export',
  positionals: {
    SOURCE: 'Folder of a run (its last checkpoint is used), a checkpoint, or an adapter.',
  },
  summary: 'Writes a trained model as a folder that transformers or peft can load.',
  options: {
    to: {
      type: 'choice',
      choices: [...EXPORTS, 'trl'],
      help: 'hf: a model whose weights were trained; peft: an adapter; merged: an adapter merged into its base model; trl: a run, to go on in TRL.',
    },
    out: { type: 'text', help: 'Folder to write; it must be empty or new.' },
    ...baseOption,
  },
  async run({ positionals: [source = ''], options: { to, out, base } }) {
    const files =
      to === 'trl'
        ? await trlFiles(await handoverSource(source, base))
        : await modelFiles(await openAt(await checkpointPath(source), base), to);
    if ((await readdir(out).catch(() => [])).length > 0) {
      throw new CheckpointError(`${out} is not empty; choose a new folder`);
    }
    await mkdir(out, { recursive: true });
    for (const { path, pieces } of files) {
      await mkdir(dirname(join(out, path)), { recursive: true });
      await pipeline(Readable.from(pieces()), createWriteStream(join(out, path)));
    }
    return { out, files: files.map(({ path }) => path).sort() };
  },
  format: ({ out, files }) => `${out}: ${files.join(', ')}\n`,
});

/** A run's last complete checkpoint, or the folder itself. */
async function checkpointPath(source: string): Promise<string> {
  await nodeFolder(source);
  const step = await lastCheckpoint(nodeRunFolder(source));
  return step === undefined ? source : join(source, 'checkpoints', `step-${step}`);
}

/** A run at its last checkpoint, and what its recipe names. */
async function handoverSource(path: string, base?: string): Promise<HandoverSource> {
  const { of, path: checkpoint } = await findPolicy(path);
  if (!of) throw new UsageError(`${path} is no run; name the folder of a run`);
  const { recipe } = of;
  return {
    recipe,
    step: Number(/\d+$/.exec(checkpoint)![0]),
    policy: await openAt(checkpoint, base),
    moments: await (await nodeFolder(checkpoint)).open('optimizer.safetensors'),
    start: () => openAt(recipe.model_name_or_path!),
    open: openAt,
    readFile: readRecipeFile,
  };
}
