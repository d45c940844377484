import { recordRun } from '../rl/runs/record.ts';
import { nodeRunFolder } from '../rl/runs/run-folder.node.ts';
import { defineCommand } from './command.ts';
import { writeResult } from './write-result.ts';

export const record = defineCommand({
  name: 'record',
  positionals: { RUN: 'Folder of a finished run.' },
  summary: 'Turns a finished run into the file that the page replays.',
  options: {
    out: { type: 'text', help: 'File to write; the page replays public/recorded-run.json.' },
  },
  async run({ positionals: [path = ''], options }) {
    const recorded = await recordRun(nodeRunFolder(path), path);
    await writeResult(options.out, JSON.stringify(recorded));
    return { out: options.out, steps: recorded.steps.length };
  },
  format: ({ out, steps }) => `${out}: ${steps} steps\n`,
});
