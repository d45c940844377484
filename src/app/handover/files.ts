/** What writes the files of the folder that is handed over, for each target. */
import type { ExportFile } from '../../rl/runs/export.ts';
import { openrlhfFiles } from './openrlhf/openrlhf.ts';
import type { HandoverSource } from './source.ts';
import type { Target } from './targets.ts';
import { trlFiles } from './trl/trl.ts';
import { verlFiles } from './verl/verl.ts';

export const HANDOVERS: Record<Target, (source: HandoverSource) => Promise<ExportFile[]>> = {
  trl: trlFiles,
  verl: verlFiles,
  openrlhf: openrlhfFiles,
};
