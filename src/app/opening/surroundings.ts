/**
 * Where a caller finds the models and files that a recipe names: the URLs of a page and its workers,
 * or the folders of a command line.
 */
import type { Gpu } from '../../gpu/device.ts';
import { openCheckpoint, type Checkpoint } from '../../model/adapted.ts';
import type { CheckpointFolder } from '../../model/files.ts';
import type { Reward } from '../../rl/rewards/reward.ts';

/** Reads a data file as text; the path is the one in the recipe. */
export type ReadFile = (path: string) => Promise<string>;

/** classifier: a reward model's score; judge: an instruct model's yes or no; rule: a JavaScript file. */
export type RewardKind = 'classifier' | 'judge' | 'rule';

/** Called with the share of a model that is on the graphics card, from 0 to 1. */
export type OnLoading = (model: string, share: number) => void;

export interface Surroundings {
  gpu: Gpu;
  folder(path: string): Promise<CheckpointFolder>;
  /** Opens an adapter's base by the name that the adapter gives; if absent, `folder` does. */
  baseFolder?(name: string, adapter: CheckpointFolder): Promise<CheckpointFolder>;
  onLoading?: OnLoading;
  readFile: ReadFile;
  /** Opens a frozen model on its own device, with the question if it is a judge; or a rule. */
  openReward(
    path: string,
    kind: RewardKind,
    question?: string,
    onLoading?: OnLoading,
  ): Promise<Reward>;
}

/** Opens a model's folder, or an adapter's folder together with that of its base. */
export function openIn(
  around: Pick<Surroundings, 'folder' | 'baseFolder'>,
  folder: CheckpointFolder,
): Promise<Checkpoint> {
  return openCheckpoint(folder, (name) => around.baseFolder?.(name, folder) ?? around.folder(name));
}

/** The folder that messages name: the adapter's if there is one. */
export const checkpointName = ({ base, adapter }: Checkpoint): string =>
  (adapter?.folder ?? base).name;
