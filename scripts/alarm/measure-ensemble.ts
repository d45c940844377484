/**
 * node measure-ensemble.ts PREFERENCES OUT.csv RUN...: the disagreement of an ensemble of reward heads about the
 * responses of runs, every 25 steps. The heads are fitted to PREFERENCES, pairs that the reward model did not see.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { openRewardModel } from '../../src/app/opening/rewards.ts';
import { openAt } from '../../src/cli/open.ts';
import { csv } from '../../src/cli/text.ts';
import { openNodeGpu } from '../../src/gpu/node.ts';
import { readLines, readPreference } from '../../src/rl/data/rows.ts';
import type { JudgedText } from '../../src/rl/rewards/reward.ts';
import { disagreement, fitEnsemble, hiddenStates } from './ensemble.ts';

const EVERY = 25;
const [, , preferences, out, ...runs] = process.argv;
const gpu = await openNodeGpu();
const reward = await openRewardModel(gpu, await openAt('public/models/reward'));
const groups = readLines(readFileSync(preferences!, 'utf8'), readPreference).map(({ row }) => row!);
const states = [];
for (const { prompt, responses } of groups) {
  states.push(
    await hiddenStates(
      reward,
      responses.map((response) => ({ prompt, response })),
    ),
  );
}
const ensemble = fitEnsemble(groups, states);
const table: (string | number)[][] = [['run', 'step', 'disagreement']];
for (const run of runs) {
  const { steps } = JSON.parse(readFileSync(join(run, 'summary.json'), 'utf8')) as {
    steps: number;
  };
  for (let step = 1; step <= steps; step = step === 1 ? EVERY : step + EVERY) {
    const file = join(run, 'completions', `step-${step}.jsonl`);
    const rows = readFileSync(file, 'utf8').trim().split('\n');
    const texts = rows.map((line) => JSON.parse(line) as JudgedText);
    const found = disagreement(ensemble, await hiddenStates(reward, texts));
    table.push([basename(run), step, found.toFixed(4)]);
  }
  console.log(`${run} measured`);
}
writeFileSync(out!, csv(table));
reward.destroy();
gpu.close();
