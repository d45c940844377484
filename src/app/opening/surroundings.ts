/**
 * Where a caller finds what a recipe names: the URLs of a page and its workers, or the directories of
 * a command line.
 */
import type { Gpu } from '../../gpu/device.ts';
import { openCheckpoint, type Checkpoint } from '../../model/adapted.ts';
import type { CheckpointFolder } from '../../model/files.ts';
import type { Reward } from '../../rl/rewards/reward.ts';

/** Reads a data file as text; the path is as the recipe gives it. */
export type ReadFile = (path: string) => Promise<string>;

/** classifier: a reward model's score; judge: an instruct model's yes or no; rule: a JavaScript file. */
export type JudgeKind = 'classifier' | 'judge' | 'rule';

/** Hears how much of a model has reached the graphics card, from 0 to 1. */
export type OnLoading = (model: string, share: number) => void;

export interface Surroundings {
  gpu: Gpu;
  folder(path: string): Promise<CheckpointFolder>;
  /** Where an adapter's base is, by the name the adapter gives it; `folder` where absent. */
  baseFolder?(name: string, adapter: CheckpointFolder): Promise<CheckpointFolder>;
  onLoading?: OnLoading;
  readFile: ReadFile;
  /** A frozen model that judges, on a device of its own, with what a judge is asked; or a rule. */
  openReward(
    path: string,
    kind: JudgeKind,
    question?: string,
    onLoading?: OnLoading,
  ): Promise<Reward>;
}

/** A model's folder, or an adapter's together with its base's. */
export function openIn(
  around: Pick<Surroundings, 'folder' | 'baseFolder'>,
  folder: CheckpointFolder,
): Promise<Checkpoint> {
  return openCheckpoint(folder, (name) => around.baseFolder?.(name, folder) ?? around.folder(name));
}

/** The folder that a message names: the adapter's where there is one. */
export const nameOf = ({ base, adapter }: Checkpoint): string => (adapter?.folder ?? base).name;
