/** What writes the files of the folder that is handed over, for each target. */
import type { ExportFile } from '../../rl/runs/export.ts';
import { rayFiles } from './ray-folder.ts';
import type { HandoverSource } from './source.ts';
import type { Target } from './targets.ts';
import { trlFiles } from './trl/trl.ts';

// Only verl's loads the library that writes .parquet.
export const HANDOVERS: Record<Target, (source: HandoverSource) => Promise<ExportFile[]>> = {
  trl: trlFiles,
  verl: async (source) => rayFiles((await import('./verl/verl.ts')).VERL, source),
  openrlhf: async (source) => rayFiles((await import('./openrlhf/openrlhf.ts')).OPENRLHF, source),
};
