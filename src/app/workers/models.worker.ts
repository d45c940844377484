/**
 * Work that takes too long for the page's own thread, or whose foreign code may never end: inspecting
 * models and previewing what they read, planning the memory of a run, and writing trained models.
 */
import { parse } from 'yaml';
import { requestAdapter } from '../../gpu/adapter.ts';
import { openCheckpoint, type Checkpoint } from '../../model/adapted.ts';
import { describeCheckpoint, describeModel, type ModelFacts } from '../../model/describe.ts';
import { droppedFolder, type CheckpointFolder } from '../../model/files.ts';
import { orGguf } from '../../model/gguf-folder.ts';
import { readAdapterConfig } from '../../model/adapter-config.ts';
import type { Outtype } from '../../model/gguf-writer/types.ts';
import { storedFiles, storedFolder } from '../../model/stored-models.ts';
import { modelFiles, runFiles, type ExportFile, type ExportKind } from '../../rl/runs/export.ts';
import { DEFAULT_RECIPE } from '../default-recipe.ts';
import { memoryNeeds, type MemoryNeed, type MemoryUse } from '../fit.ts';
import { isTarget, type Target } from '../handover/targets.ts';
import { inspectFolder, refuseDamaged, tryTexts, type Inspected } from '../inspect.ts';
import { OpenedOnce } from '../opened-once.ts';
import { longestTexts, previewOnPage } from '../page-preview.ts';
import { pageBaseFolder, pageModelFolder, SHIPPED } from '../page-paths.ts';
import { runBytes } from '../room.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { layerRecipes } from '../../rl/recipe/keys.ts';
import { makeRecipe, parseRecipe, type Recipe } from '../../rl/recipe/recipe.ts';
import { worldGold } from '../../rl/world/judging.ts';
import { browserRuns } from '../../rl/runs/run-folder.browser.ts';
import { findCheckpoint, lastCheckpoint, runCheckpoint } from '../../rl/runs/checkpoints.ts';
import { readText, within } from '../../rl/runs/run-folder.ts';
import { readPageFile } from '../stored-data.ts';
import { writeFolder, writeOne, writeZip } from '../take-home.ts';
import { serve } from './serve.ts';

export interface Fitting {
  needs: Record<MemoryUse, MemoryNeed>;
  /** The checked recipe that was planned for. */
  recipe: Recipe;
  /** The largest buffer that the browser allows, in bytes; Infinity without WebGPU. */
  maxBinding: number;
}

/** The last checkpoint of a stored run. */
export interface KeptCheckpoint {
  step: number;
  /** Name of the model that was trained, without the path to it. */
  model: string;
  /** Whether an adapter was trained, not the model's own weights. */
  adapter: boolean;
}

export interface TakeHome {
  /** The stored run. */
  id: string;
  kind: ExportKind | Target;
  /** How the matrices of a GGUF file are stored. */
  outtype: Outtype;
  /** Name of the folder that is written, or of the one file. */
  name: string;
  /** Whether to include the run's recipe, metrics and completions. */
  withRun: boolean;
  /** The folder to write into; without it a .zip or a .gguf is written. */
  parent?: FileSystemDirectoryHandle;
}

const findBase = (name: string): Promise<CheckpointFolder | undefined> =>
  pageBaseFolder(name).catch(() => undefined);

/** Facts of the models that come with the page: they never change, so they are fetched once. */
const shipped = new OpenedOnce<ModelFacts>();

async function factsOf(path: string): Promise<ModelFacts & Pick<Inspected, 'lora'>> {
  if (path.startsWith(SHIPPED)) {
    return shipped.open(path, async () => describeModel(await pageModelFolder(path)));
  }
  return describeCheckpoint(await openCheckpoint(await pageModelFolder(path), pageBaseFolder));
}

interface Kept {
  step: number;
  checkpoint: Checkpoint;
}

async function keptCheckpoint(id: string): Promise<Kept | undefined> {
  const run = within(await browserRuns(), id);
  const step = (await findCheckpoint(run, 'contents')).found?.step;
  if (step === undefined) return undefined;
  return { step, checkpoint: await openCheckpoint(runCheckpoint(run, step), pageBaseFolder) };
}

/** The folder with which the run goes on in another trainer. */
async function handoverFiles(
  id: string,
  { step, checkpoint }: Kept,
  target: Target,
): Promise<ExportFile[]> {
  const run = within(await browserRuns(), id);
  const { recipe } = parseRecipe((await readText(run, 'recipe.yaml')) ?? '', 'recipe.yaml');
  const open = async (path: string): Promise<Checkpoint> =>
    openCheckpoint(await pageModelFolder(path), pageBaseFolder);
  // Most visits hand nothing over.
  const { HANDOVERS } = await import('../handover/files.ts');
  return HANDOVERS[target]({
    ...{ recipe, step, open, policy: checkpoint, readFile: readPageFile },
    moments: await runCheckpoint(run, step).open('optimizer.safetensors'),
    start: () => open(recipe.model_name_or_path ?? ''),
  });
}

let cancelling = new AbortController();

const service = {
  /** Inspects dropped files before they are stored. */
  async inspect(name: string, files: ReadonlyMap<string, File>): Promise<Inspected> {
    const named = [...files].map(([file, blob]) => [`${name}/${file}`, blob] as const);
    const folder = await orGguf(droppedFolder(new Map(named)));
    await refuseDamaged(folder);
    const found = await inspectFolder(folder, findBase);
    if (!found.lora) await tryTexts(folder, found.role);
    return found;
  },

  preview: previewOnPage,
  longestTexts,

  async describe(name: string): Promise<Inspected & { bytes: number }> {
    const bytes = (await storedFiles(name)).reduce((sum, { size }) => sum + size, 0);
    return { ...(await inspectFolder(await storedFolder(name), findBase)), bytes };
  },

  /** @param memory of the graphics card in bytes, if the visitor has given it */
  async fit(given: RecipeValues, memory: number | undefined): Promise<Fitting> {
    const values = { ...DEFAULT_RECIPE, ...given };
    const recipe = makeRecipe(values);
    // A world's utility takes no memory.
    const watched = recipe.gold !== undefined && !worldGold(recipe.gold) ? recipe.gold : undefined;
    const judges = [recipe.reward_model_name_or_path, recipe.judge_model_name_or_path, watched];
    const [policy, ...frozen] = await Promise.all(
      [recipe.model_name_or_path, ...judges].filter((path) => path !== undefined).map(factsOf),
    );
    const limits = (await requestAdapter(navigator.gpu))?.limits;
    const maxBinding = limits
      ? Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)
      : Infinity;
    const needs = memoryNeeds(values, { policy: policy!, judges: frozen }, { memory, maxBinding });
    return { needs, recipe, maxBinding };
  },

  /** Bytes that a run will write to the browser's storage at most. */
  async runBytes(given: RecipeValues): Promise<number> {
    const recipe = makeRecipe(layerRecipes(DEFAULT_RECIPE, given));
    return runBytes(recipe, await factsOf(recipe.model_name_or_path ?? ''));
  },

  /** undefined if the run has no checkpoint. */
  async kept(id: string): Promise<KeptCheckpoint | undefined> {
    const folder = within(await browserRuns(), id);
    const step = await lastCheckpoint(folder);
    if (step === undefined) return undefined;
    const recipe = parse((await readText(folder, 'recipe.yaml')) ?? '') as Partial<Recipe> | null;
    const path = recipe?.model_name_or_path ?? 'model';
    const adapter = await readAdapterConfig(runCheckpoint(folder, step));
    return { step, model: path.replace(/^.*[/:]/, ''), adapter: adapter !== undefined };
  },

  /** @returns the .zip or .gguf, on disk; undefined if a folder was written */
  async takeHome(
    { id, kind, outtype, name, withRun, parent }: TakeHome,
    onProgress: (share: number) => void,
  ): Promise<File | undefined> {
    cancelling = new AbortController();
    const found = await keptCheckpoint(id);
    if (!found) throw new Error('There is no checkpoint yet; train a step and pause.');
    const files = isTarget(kind)
      ? await handoverFiles(id, found, kind)
      : await modelFiles(found.checkpoint, kind, outtype);
    if (withRun) files.push(...(await runFiles(within(await browserRuns(), id), 'run')));
    let last = -1;
    const options = {
      signal: cancelling.signal,
      onProgress: (share: number): void => {
        // Only whole percents are sent to the page.
        if (Math.floor(100 * share) === last) return;
        last = Math.floor(100 * share);
        onProgress(share);
      },
    };
    if (!parent) {
      return kind === 'gguf'
        ? writeOne(`${name}.gguf`, files[0]!, options)
        : writeZip(name, files, options);
    }
    await writeFolder(parent, name, files, options);
    return undefined;
  },

  cancel(): void {
    cancelling.abort();
  },
};

export type ModelsService = typeof service;

serve(service);
