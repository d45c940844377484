/** What several commands open: a device, a model folder, a tokenizer. */
import { readFile } from 'node:fs/promises';
import type { Gpu } from '../gpu/device.ts';
import { openNodeGpu } from '../gpu/node.ts';
import { loadModel } from '../model/checkpoint.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { nodeFolder } from '../model/node-files.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { RecipeError } from '../rl/recipe.ts';
import { openRewardModel, type Surroundings } from '../rl/session.ts';
import { UsageError } from './arguments.ts';

export const modelOption = {
  model: { type: 'text', help: 'Folder of the model: config.json, safetensors and tokenizer.' },
} as const;

export async function withModel<T>(
  path: string,
  use: (model: LanguageModel, tokenizer: () => Promise<Tokenizer>, gpu: Gpu) => Promise<T>,
): Promise<T> {
  const folder = await nodeFolder(path);
  const gpu = await openNodeGpu();
  try {
    return await use(await loadModel(gpu, folder), () => Tokenizer.load(folder), gpu);
  } finally {
    gpu.close();
  }
}

/** "3,5,7" as token ids of a vocabulary. */
export function parseIds(text: string, vocabSize: number): number[] {
  return text.split(',').map((part) => {
    const id = Number(part);
    if (part.trim() === '' || !Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw new UsageError(
        `--ids has ${JSON.stringify(part)}; ids are whole numbers from 0 to ${vocabSize - 1}, ` +
          'separated by commas',
      );
    }
    return id;
  });
}

/** Directories and files of this machine, and a device of its own for the judge. */
export async function nodeSurroundings(): Promise<Surroundings & { close(): void }> {
  const devices = [await openNodeGpu()];
  return {
    gpu: devices[0] as Gpu,
    folder: nodeFolder,
    readFile: (path) =>
      readFile(path, 'utf8').catch(() => {
        throw new RecipeError(`${path} cannot be read; check datasets in the recipe.`);
      }),
    async openReward(path) {
      const gpu = await openNodeGpu();
      devices.push(gpu);
      return openRewardModel(gpu, await nodeFolder(path));
    },
    close: () => {
      for (const gpu of devices) gpu.close();
    },
  };
}
