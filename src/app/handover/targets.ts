/** Where a run can go on: what writes the files of the folder that is handed over. */
import type { ExportFile } from '../../rl/runs/export.ts';
import type { HandoverSource } from './source.ts';
import { trlFiles } from './trl/trl.ts';
import { verlFiles } from './verl/verl.ts';

export const TARGETS = {
  trl: trlFiles,
  verl: verlFiles,
} as const satisfies Record<string, (source: HandoverSource) => Promise<ExportFile[]>>;

export type Target = keyof typeof TARGETS;
