import { basename } from '../../model/files.ts';
import { isModelFile, placeInModel } from '../../model/model-files.ts';
import { TRAINER_STATE } from '../../rl/runs/trainer-state.ts';
import type { DroppedFiles } from './dropped-files.ts';

/** One model, as it came in one folder or loose. */
export interface DroppedModel {
  name: string;
  /** trainer_state.json of a checkpoint, with which the files can be compared. */
  state?: File;
  /** By their paths in the model's folder. */
  files: ReadonlyMap<string, File>;
}

const WEIGHTS = /\.(safetensors|gguf)$|^(pytorch_model|adapter_model)\.bin$/;
const CONFIG = /^(config|adapter_config)\.json$/;
/** Prompts and rules, which are not models. */
const DATA = /\.(jsonl|json|txt|js)$/;
/** Files of a model that have one of those endings. */
const OF_A_MODEL =
  /^(.*config|tokenizer|vocab|merges|special_tokens_map|added_tokens|.*\.index)\.(json|txt)$/;

type Files = Map<string, File>;

/** The models among dropped files. Each model is in one folder; a drop may hold several. */
export function modelsAmong(dropped: DroppedFiles): DroppedModel[] {
  const folders = new Map<string, Files>();
  for (const [path, file] of dropped) {
    const { folder, file: name } = placeInModel(path);
    folders.set(folder, (folders.get(folder) ?? new Map<string, File>()).set(name, file));
  }
  const has = (files: Files, pattern: RegExp): boolean =>
    [...files.keys()].some((name) => pattern.test(name));
  const complete = (files: Files): boolean => has(files, CONFIG) && has(files, WEIGHTS);
  const whole = [...folders].flatMap(([path, files]) => (complete(files) ? [path] : []));
  const models = [...folders].filter(([path, files]) => {
    if (complete(files)) return isLastOfItsRun(path, whole);
    // A folder around or inside a whole model, such as a copy in another format, is no broken model.
    const inside = [...folders].some(
      ([other, its]) =>
        complete(its) && (path.startsWith(`${other}/`) || other.startsWith(`${path}/`)),
    );
    // A checkpoint that was being written, where an earlier one is whole.
    const run = STEP.exec(path)?.[1];
    const before = STEP.test(path) && whole.some((other) => STEP.exec(other)?.[1] === run);
    return !inside && !before && (has(files, CONFIG) || has(files, WEIGHTS));
  });
  return models.map(([path, files]) => {
    const state = files.get(TRAINER_STATE);
    return { name: nameOf(path, files), ...(state && { state }), files: filesToStore(files) };
  });
}

/** The dropped files if all of them are prompts or rules; otherwise none. */
export function dataAmong(dropped: DroppedFiles): File[] {
  const files = [...dropped.values()];
  return files.length > 0 && files.every(({ name }) => DATA.test(name) && !OF_A_MODEL.test(name))
    ? files
    : [];
}

/** A checkpoint of a run, or of transformers' Trainer, such as TRL's. */
const STEP = /^(?:(.*)\/)?(?:checkpoints\/step|checkpoint)-(\d+)$/;

/**
 * Of a run's checkpoints, only the last counts. What TRL writes beside its checkpoints, when training has
 * ended, is later than all of them.
 */
function isLastOfItsRun(path: string, complete: readonly string[]): boolean {
  const [found, run = '', step] = STEP.exec(path) ?? [];
  if (found === undefined) return true;
  return complete.every((other) => {
    const [isStep, otherRun = '', otherStep] = STEP.exec(other) ?? [];
    if (isStep === undefined) return other !== run;
    return otherRun !== run || Number(otherStep) <= Number(step);
  });
}

/** The folder's name; loose files are named after their weights. */
function nameOf(path: string, files: Files): string {
  const [, run, step] = STEP.exec(path) ?? [];
  if (step !== undefined) return `${basename(run ?? 'my-run')}-step-${step}`;
  if (path !== '') return basename(path);
  const weights = [...files.keys()].filter((name) => WEIGHTS.test(name));
  const names = new Set(weights.map((name) => name.replace(/(-\d{5}-of-\d{5})?\.[a-z]+$/, '')));
  const [own = ''] = names;
  const told = names.size === 1 && !/^(model|adapter_model|pytorch_model)$/.test(own);
  return told ? own : files.has('adapter_config.json') ? 'my-adapter' : 'my-model';
}

const filesToStore = (files: Files): Files =>
  new Map([...files].filter(([name]) => isModelFile(name)));
