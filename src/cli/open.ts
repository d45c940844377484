/** Opens what several commands need: a device, a model folder, a tokenizer, a recipe. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gpu } from '../gpu/device.ts';
import { openNodeGpu } from '../gpu/node.ts';
import { loadCheckpoint, openCheckpoint, type Checkpoint } from '../model/adapted.ts';
import { CheckpointError } from '../model/errors.ts';
import type { CheckpointFolder } from '../model/files.ts';
import { downloadFirst, hubName } from '../model/hub.ts';
import type { LanguageModel } from '../model/language-model.ts';
import { nodeFolder } from '../model/node-files.ts';
import { baseName } from '../model/peft.ts';
import { Tokenizer } from '../model/tokenizer.ts';
import { PythonRewardError } from '../rl/recipe/check.ts';
import { parseRecipe, RecipeError, type Recipe } from '../rl/recipe/recipe.ts';
import { openReward } from '../app/opening/rewards.ts';
import type { Surroundings } from '../app/opening/surroundings.ts';
import { UsageError } from './arguments.ts';
import { modelIn } from './returned.ts';
import { lastCheckpointIn, refuseDamaged } from './run-files.ts';

export const modelOption = {
  model: {
    type: 'text',
    help: 'Folder of a model (config.json, safetensors and tokenizer) or of an adapter, or a GGUF file.',
  },
} as const;

export const baseOption = {
  base: {
    type: 'text',
    optional: true,
    help: "Folder of an adapter's base model, if it is not at the path that the adapter gives.",
  },
} as const;

/**
 * Opens a model's folder, an adapter's folder and that of its base, the last checkpoint of a run, or the
 * model in an output of TRL.
 */
export async function openAt(given: string, base?: string): Promise<Checkpoint> {
  // The last checkpoint of a run is one that was checked.
  const checked = await lastCheckpointIn(given);
  const path = checked ?? (await modelIn(given));
  const folder = await nodeFolder(path);
  if (checked === undefined) await refuseDamaged(path);
  return openCheckpoint(folder, (name) => baseFolder(name, folder), base);
}

/**
 * The path that the adapter gives, else the folder of that name beside the adapter's, or beside the folder
 * around it: an output of TRL with its checkpoints.
 */
async function baseFolder(name: string, adapter: CheckpointFolder): Promise<CheckpointFolder> {
  const [at, above] = ['..', '../..'].map((up) => join(adapter.name, up, baseName(name)));
  return nodeFolder(name).catch((error: unknown) =>
    nodeFolder(at!)
      .catch(() => nodeFolder(above!))
      .catch(() => {
        const onHub = hubName(name);
        throw new CheckpointError(
          onHub === undefined || existsSync(name)
            ? `${(error as Error).message}, or put the model into ${at!}: nothing is downloaded`
            : `it does not exist here, and ${downloadFirst(onHub, at!, 'try again')}`,
        );
      }),
  );
}

export async function withModel<T>(
  { model: path, base }: { model: string; base?: string | undefined },
  use: (model: LanguageModel, tokenizer: () => Promise<Tokenizer>, gpu: Gpu) => Promise<T>,
): Promise<T> {
  const checkpoint = await openAt(path, base);
  const gpu = await openNodeGpu();
  try {
    const model = await loadCheckpoint(gpu, checkpoint);
    const load = async (): Promise<Tokenizer> => {
      const tokenizer = await Tokenizer.load(checkpoint.tokenizer);
      tokenizer.checkFits(model.config.vocabSize, model.config.eosTokenIds);
      return tokenizer;
    };
    return await use(model, load, gpu);
  } finally {
    gpu.close();
  }
}

/** @throws CheckpointError for a reward model, which cannot write completions */
export function refuseRewardModel(path: string, { config }: LanguageModel): void {
  if (config.kind !== 'reward') return;
  throw new CheckpointError(`${path} is a reward model, which cannot write text; name a policy`);
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

/** Reads a recipe, and prints its notices on standard error. */
export async function openRecipe(
  path: string,
  overrides: Readonly<Record<string, string>>,
): Promise<Recipe> {
  const text = await readFile(path, 'utf8').catch(() => {
    throw new RecipeError(`${path} cannot be read; name a recipe such as recipes/default.yaml.`);
  });
  const { recipe, notices } = namingScripts(() => parseRecipe(text, path, overrides));
  for (const notice of notices) process.stderr.write(`${notice}\n`);
  return recipe;
}

/** Reads recipes; of a reward in Python that is there in JavaScript, the error names that file. */
export function namingScripts<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const script = error instanceof PythonRewardError && error.scripts.find(existsSync);
    throw script ? error.naming(script) : error;
  }
}

/** Where a recipe is trained: the folder that the command line names, else the recipe. @throws UsageError */
export function runFolderOf(given: string | undefined, { output_dir }: Recipe): string {
  const out = given ?? output_dir;
  if (out !== undefined) return out;
  throw new UsageError('train needs the folder of the run; give --out, or set output_dir');
}

/** Reads a file of data or a rule that a recipe names. */
export function readRecipeFile(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const isLong = error instanceof RangeError || code === 'ERR_STRING_TOO_LONG';
    const advice = isLong
      ? 'is too large to be read at once; split it into files of less than 500 MB, and name all in data_files.'
      : 'cannot be read; check datasets and reward_funcs in the recipe.';
    throw new RecipeError(`${path} ${advice}`);
  });
}

/**
 * The folder of a model that a recipe names.
 * @throws CheckpointError if it is a run: its last checkpoint would be another one when it has gone on
 */
async function recipeFolder(path: string): Promise<CheckpointFolder> {
  const checkpoint = await lastCheckpointIn(path);
  if (checkpoint === undefined) return nodeFolder(await modelIn(path));
  throw new CheckpointError(`${path} is a run, not a model; name its checkpoint ${checkpoint}`);
}

/** The files and folders that a recipe names. */
export const recipeFiles = { folder: recipeFolder, readFile: readRecipeFile };

/** Folders and files of this machine, a device for the policy, and one for each judge. */
export async function nodeSurroundings(): Promise<Surroundings & { close(): void }> {
  const devices = [await openNodeGpu()];
  const openGpu = async (): Promise<Gpu> => {
    const gpu = await openNodeGpu();
    devices.push(gpu);
    return gpu;
  };
  const files = { ...recipeFiles, baseFolder };
  return {
    ...files,
    gpu: devices[0] as Gpu,
    openReward: (path, kind, question) => openReward(path, kind, question, openGpu, files),
    close: () => {
      for (const gpu of devices) gpu.close();
    },
  };
}
