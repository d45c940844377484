import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Checkpoint } from '../model/adapted.ts';
import { CheckpointError } from '../model/errors.ts';
import type { CheckpointFolder } from '../model/files.ts';
import { mergedWeights } from '../model/merge.ts';
import { nodeFolder } from '../model/node-files.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../model/peft.ts';
import { tokenizerFiles } from '../model/tokenizer.ts';
import { lastCheckpoint } from '../rl/run-folder.ts';
import { nodeRunFolder } from '../rl/run-folder.node.ts';
import { defineCommand } from './command.ts';
import { baseOption, openAt } from './open.ts';

export const exporting = defineCommand({
  name: 'export',
  positionals: ['SOURCE'],
  summary: 'Writes what a run has trained as a folder that transformers or peft loads.',
  options: {
    to: {
      type: 'choice',
      choices: ['hf', 'peft', 'merged'],
      help: 'hf: a model whose weights were trained; peft: an adapter; merged: an adapter added into its base.',
    },
    out: { type: 'text', help: 'The folder to write; it must be empty or new.' },
    ...baseOption,
  },
  notes: 'SOURCE is a run (its last checkpoint is taken), a checkpoint, or an adapter.',
  async run({ positionals: [source = ''], options: { to, out, base } }) {
    const path = await checkpointPath(source);
    const checkpoint = await openAt(path, base);
    checkKind(path, checkpoint, to);
    if ((await readdir(out).catch(() => [])).length > 0) {
      throw new CheckpointError(`${out} is not empty; choose a new folder`);
    }
    await mkdir(out, { recursive: true });
    const files = new Map<string, string | Uint8Array>(await tokenizerFiles(checkpoint.tokenizer));
    const { base: model, adapter } = checkpoint;
    if (to === 'peft') {
      await copyFiles(path, out, [ADAPTER_CONFIG, ADAPTER_WEIGHTS]);
    } else {
      await copyFiles(model.name, out, ['config.json']);
      if (adapter) {
        const bytes = Readable.from(mergedWeights(model, adapter));
        await pipeline(bytes, createWriteStream(join(out, 'model.safetensors')));
      } else {
        await copyFiles(model.name, out, await weightNames(model));
      }
    }
    for (const [name, data] of files) await writeFile(join(out, name), data);
    return { out, files: (await readdir(out)).sort() };
  },
  format: ({ out, files }) => `${out}: ${files.join(', ')}\n`,
});

/** A run's last complete checkpoint, or the folder itself. */
async function checkpointPath(source: string): Promise<string> {
  await nodeFolder(source);
  const step = await lastCheckpoint(nodeRunFolder(source));
  return step === undefined ? source : join(source, 'checkpoints', `step-${step}`);
}

function checkKind(path: string, { adapter }: Checkpoint, to: 'hf' | 'peft' | 'merged'): void {
  if (to === 'hf' && adapter) {
    throw new CheckpointError(`${path} is an adapter; use --to peft or --to merged`);
  }
  if (to !== 'hf' && !adapter) {
    throw new CheckpointError(`${path} is a whole model and has no adapter; use --to hf`);
  }
}

/** The weight files of a model: one, or shards and their index. */
async function weightNames(model: CheckpointFolder): Promise<string[]> {
  const names = await readdir(model.name);
  const index = 'model.safetensors.index.json';
  if (!names.includes(index)) return ['model.safetensors'];
  const { weight_map: map } = JSON.parse(await readFile(join(model.name, index), 'utf8')) as {
    weight_map: Record<string, string>;
  };
  return [index, ...new Set(Object.values(map))];
}

async function copyFiles(from: string, to: string, names: readonly string[]): Promise<void> {
  for (const name of names) await copyFile(join(from, name), join(to, name));
}
