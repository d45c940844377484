/** Whether what is written will fit on the disk, before it is written. */
import { statfs } from 'node:fs/promises';
import { ALL_F32 } from '../model/parameters.ts';
import type { Recipe } from '../rl/recipe/recipe.ts';
import type { Trainer } from '../rl/trainers/trainer.ts';
import { formatBytes } from '../app/format.ts';
import { runBytes } from '../app/room.ts';
import { UsageError } from './arguments.ts';

/** @throws UsageError if the rest of the run will not fit */
export async function refuseFullDisk(out: string, recipe: Recipe, trainer: Trainer): Promise<void> {
  const { step, model } = trainer;
  const toCome = Math.ceil((recipe.max_steps - step) / recipe.save_steps);
  if (toCome <= 0) return;
  const checkpoints = Math.min(toCome, (recipe.save_total_limit ?? Infinity) + 1);
  const planned = { config: model.config, storage: ALL_F32, lora: model.lora?.config };
  const bytes = runBytes(recipe, planned, { step, checkpoints });
  await refuseIfFull(
    out,
    bytes,
    'free some space, raise save_steps, set save_total_limit, or name a folder on another disk',
  );
}

/** @throws UsageError if so many bytes do not fit on the disk of an existing folder */
export async function refuseIfFull(folder: string, bytes: number, remedy: string): Promise<void> {
  const disk = await statfs(folder).catch(() => undefined);
  if (!disk) return;
  const free = disk.bavail * disk.bsize;
  if (bytes <= free) return;
  throw new UsageError(
    `${folder} will take about ${formatBytes(bytes)}, and its disk has ${formatBytes(free)} free; ${remedy}`,
  );
}
