/**
 * trainer_state.json of a checkpoint: the counters (with transformers' names), the rows of the run so far,
 * what the run is trained with, and a mark of every file. It has a hash of itself, too, so that no flipped
 * bit is taken for a number. Checkpoints of earlier versions have the counters only.
 */
import { MOST_WHOLE } from '../../model/files.ts';
import type { RecipeValues } from '../recipe/values.ts';
import type { MetricsRow } from '../report.ts';
import { sha256OfText, type FileMark } from './file-mark.ts';
import type { RunFolder } from './run-folder.ts';

/** Written last: a checkpoint without this file is not complete. */
export const TRAINER_STATE = 'trainer_state.json';

export const checkpointPath = (step: number): string => `checkpoints/step-${step}`;

/** What decides the numbers of a run. */
export interface Origin {
  readonly recipe: RecipeValues;
  /** A hash of what lies under the paths of a key, by key: files may move, and may not change. */
  readonly inputs: Readonly<Record<string, string>>;
}

export interface TrainerState extends Partial<Origin> {
  readonly global_step: number;
  readonly num_input_tokens_seen?: number;
  readonly optimizer_steps?: number;
  /** The rows of metrics.jsonl up to this step. */
  readonly log_history?: readonly MetricsRow[];
  /** The files of the checkpoint, by their paths in its folder. */
  readonly files?: Readonly<Record<string, FileMark>>;
  /** The completions and evaluations since the checkpoint before, by their paths in the run's folder. */
  readonly rows?: Readonly<Record<string, FileMark>>;
}

export async function stateText(state: TrainerState): Promise<string> {
  const text = JSON.stringify(state);
  return JSON.stringify({ ...state, sha256: await sha256OfText(text) });
}

/**
 * undefined if the checkpoint is not complete: a tab that is closed while it writes may leave an empty
 * file. 'damaged' if the file is not as it was written, or is of another step.
 */
export async function readState(
  folder: RunFolder,
  step: number,
): Promise<TrainerState | 'damaged' | undefined> {
  const source = await folder.open(`${checkpointPath(step)}/${TRAINER_STATE}`);
  if (!source?.size) return undefined;
  if (source.size > MOST_WHOLE) return 'damaged';
  const text = new TextDecoder().decode(await source.read());
  try {
    const { sha256: own, ...state } = JSON.parse(text) as TrainerState & { sha256?: string };
    const hasOwn = own !== undefined || state.files !== undefined;
    const isWhole = !hasOwn || own === (await sha256OfText(JSON.stringify(state)));
    return isWhole && state.global_step === step ? state : 'damaged';
  } catch {
    return 'damaged';
  }
}
