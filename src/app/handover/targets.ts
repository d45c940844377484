/** Where a run can go on: what writes the files of the folder that is handed over. */
import type { ExportFile } from '../../rl/runs/export.ts';
import { trlFiles, type HandoverSource } from './trl/trl.ts';

export const TARGETS = {
  trl: trlFiles,
} as const satisfies Record<string, (source: HandoverSource) => Promise<ExportFile[]>>;

export type Target = keyof typeof TARGETS;
