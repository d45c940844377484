/** Makes results/paper: final.csv, ablations.csv, and a README with the paper's numbers beside ours. */
import type { Evaluated } from '../../src/rl/evaluation/evaluate.ts';
import type { Interval } from '../../src/rl/evaluation/intervals.ts';
import { instructionDifficulty } from '../../src/rl/evaluation/length-controlled.ts';
import {
  FINDINGS,
  judgeFinding,
  MIN_SEEDS,
  type Decision,
  type Finding,
  type Outcome,
} from './findings.ts';
import {
  ALGORITHMS,
  ARMS,
  FINAL_COLUMNS,
  finalRow,
  perPrompt,
  STARTS,
  type Arm,
  type FinalRow,
  type PaperAlgorithm,
  type PaperRun,
  type Start,
  type StartRun,
} from './runs.ts';
import {
  agreementTable,
  markdown,
  relativeGain,
  shown,
  thinkingTable,
  trainingTable,
} from './tables.ts';

export interface PaperResults {
  runs: readonly PaperRun[];
  starts: readonly StartRun[];
  /** The seeds of a complete job. */
  seeds: readonly number[];
  /** The name of the machine's adapter, and the command that makes the runs. */
  adapter: string;
  command: string;
}

/** The warm start without a thought; every win rate is against it. */
function baselineOf({ starts }: PaperResults): readonly Evaluated[] | undefined {
  return starts.find(({ start, arm }) => start === 'warm' && arm === 'nothink')?.rows;
}

/** Rows of final.csv with the header first; missing runs of the main table have empty cells. */
export function finalTable(results: PaperResults): (string | number)[][] {
  const baseline = baselineOf(results);
  const main = results.runs.filter(({ variant }) => variant === undefined);
  const difficulty = difficultyOf(results, baseline);
  const rows = STARTS.flatMap((start) =>
    ALGORITHMS.flatMap((algorithm) =>
      ARMS.flatMap((arm) =>
        results.seeds.map((seed) => {
          const run = main.find((one) => sameRun(one, { start, arm, algorithm, seed }));
          const row: Partial<FinalRow> =
            run && baseline ? finalRow(run, baseline, difficulty) : { start, arm, algorithm, seed };
          return FINAL_COLUMNS.map((column) => rounded(row[column] ?? ''));
        }),
      ),
    ),
  );
  return [FINAL_COLUMNS, ...rows];
}

/** Rows of ablations.csv with the header first: as in final.csv, with the ablation's name in front. */
export function ablationTable(results: PaperResults): (string | number)[][] {
  const baseline = baselineOf(results) ?? [];
  const difficulty = difficultyOf(results, baseline);
  const rows = results.runs.flatMap((run) => {
    if (run.variant === undefined) return [];
    const row = finalRow(run, baseline, difficulty);
    return [[run.variant, ...FINAL_COLUMNS.map((column) => rounded(row[column]))]];
  });
  return [['ablation', ...FINAL_COLUMNS], ...rows];
}

/** The difficulty of each prompt, from the verdicts on the runs of the main table. */
function difficultyOf(
  { runs }: PaperResults,
  baseline: readonly Evaluated[] | undefined,
): readonly number[] {
  const main = runs.filter(({ variant }) => variant === undefined);
  return baseline && main.length > 0
    ? instructionDifficulty(main.map(({ rows }) => perPrompt(rows, 'win', baseline)))
    : [];
}

interface RunKey {
  start: Start;
  arm: Arm;
  algorithm: PaperAlgorithm;
  seed: number;
}

function sameRun(a: RunKey, b: RunKey): boolean {
  return (['start', 'arm', 'algorithm', 'seed'] as const).every((key) => a[key] === b[key]);
}

export function paperReport(results: PaperResults): string {
  const { runs, seeds, adapter, command } = results;
  const baseline = baselineOf(results);
  const outcomes = FINDINGS.map((finding) =>
    judgeFinding(finding, runs, results.starts, baseline ?? []),
  );
  const main = runs.filter(({ variant }) => variant === undefined).length;
  const whole = STARTS.length * ARMS.length * ALGORITHMS.length * seeds.length;
  const prompts = runs[0]?.rows.length ?? 0;
  return [
    '# The paper in miniature',
    '',
    `${main} of the ${whole} runs of the main table are here. Each was judged once on the same ` +
      `${prompts} held-out prompts; nothing was trained or tuned on them. Made on ${adapter} with`,
    '',
    `    ${command}`,
    '',
    'The paper is "Language Models that Think, Chat Better" (Bhaskar, Ye and Chen 2025, arXiv ' +
      '2509.20357). Its policies have billions of parameters and are judged in chat; the ones here ' +
      'have thousands and plan dinners. Compare directions and relative gains, not the size of a number.',
    '',
    '## Thinking against no thinking',
    '',
    'N is without a thought, T with one. A win rate is the share of prompts on which a second reward ' +
      'model prefers the answer to that of the warm start without a thought; a tie counts half. No run ' +
      'of this table was trained against that reward model. Gold is the hidden utility. Intervals are ' +
      "95%, by bootstrap over seeds and prompts. The paper's numbers are average chat scores.",
    '',
    ...markdown(thinkingTable(runs, baseline)),
    '',
    '## What training did',
    '',
    'Each arm beside the model that it started from. Where the reward rises and gold does not, the ' +
      'policy has learned what pleases the reward model and not the guest: over-optimisation.',
    '',
    ...markdown(trainingTable(runs, results.starts)),
    '',
    '## The reward models',
    '',
    'Two models answer the same held-out prompt. The share says how often a reward model prefers the ' +
      'answer that gold prefers. The pairs are of models with the same start: those before training, ' +
      'and the runs of the first seed.',
    '',
    ...markdown(agreementTable(runs, results.starts)),
    '',
    '## Findings',
    '',
    'The difference is in gold; for the finding on instructions it is in the share followed. A finding ' +
      "is *reproduced* when the 95% interval of the difference lies wholly on the paper's side of zero, " +
      'and *not reproduced* when it lies wholly on the other side. It is *undecided* when the interval ' +
      `includes zero, or when fewer than ${MIN_SEEDS} seeds have run both sides. Nor is a finding ` +
      'reproduced if training did not raise the gold of the better side above its start.',
    '',
    ...outcomes.flatMap((outcome) => [paragraph(outcome), '']),
    '## What to keep in mind',
    '',
    '- The seeds vary the reinforcement learning alone. All runs share one warm start, one base model and ' +
      'one reward model, so the intervals do not say how others would turn out. A bootstrap over a few ' +
      'seeds tends to give intervals that are too narrow.',
    `- ${FINDINGS.length} findings are judged at 95% each, so one of them may be wrong by chance: most ` +
      'likely one whose interval ends close to zero.',
    '- The base model has read text with the skills of the task: copied prices, true notes on what is left and ' +
      'who eats what, a true verdict on every try. It has not read the habit: a few answers take up a try, a ' +
      'good one no more often than a poor one. It has also read the format of a thought and a response; the ' +
      'paper’s base models are prompted to use it. Both reward models were trained on pairs of answers like ' +
      "the warm start's; the table of reward models says how often they are right from zero.",
    '- All algorithms have the same learning rate and write the same number of completions, but use them ' +
      'differently: GRPO makes 100 updates with the KL in the loss, PPO 200 with the KL in the reward, ' +
      'DPO 50 on pairs of completions of the initial policy. Only GRPO was tuned.',
    '- `final.csv` has one row for each run of the main table, `ablations.csv` for each of the others; ' +
      'empty cells are runs that have not been made. `tokens` counts the tokens generated for training; ' +
      '`seconds` is the time of training steps, which depends on what else the machine did. ' +
      '`lc_win_rate` is the length-controlled win rate after AlpacaEval 2, without its rows of a baseline ' +
      'against itself; the difficulty of a prompt was estimated from the verdicts on all runs of the main ' +
      'table.',
    '',
  ].join('\n');
}

/** Other words for findings that the paper does not claim, because they cannot be reproduced. */
const UNCLAIMED: Readonly<Record<Decision, string>> = {
  reproduced: 'found here',
  'not reproduced': 'the other way round here',
  undecided: 'undecided',
  'not run': 'not run',
};

/** One paragraph for one finding. */
function paragraph(outcome: Outcome): string {
  const { finding, decision, seeds, from, to, difference, gained, wins } = outcome;
  const paper =
    finding.paper.length > 0
      ? `The paper: ${finding.paper.map((number) => paperNumber(number)).join('; ')}.`
      : 'The paper has no number for this.';
  const name = finding.measure === 'instructions' ? 'the share of instructions followed' : 'gold';
  const before = finding.to.algorithm === undefined;
  const base = before ? 'over prompts, one model' : `${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`;
  const ours =
    from && to && difference
      ? `Here ${name} goes from ${shown(from)} to ${shown(to)}: a difference of ` +
        `${shown(difference)} (${base}).${gained && gained.low <= 0 ? unhelpful(gained) : ''}`
      : 'It has not been run here.';
  const parts = [
    `**${finding.title}: ${finding.paper.length > 0 ? decision : UNCLAIMED[decision]}.**`,
    ours,
    why(decision, seeds, before),
    wins && byVerdicts(wins),
    finding.note,
    paper,
  ];
  return parts.filter(Boolean).join(' ');
}

function byVerdicts({ from, to, difference }: NonNullable<Outcome['wins']>): string {
  return (
    `By the verdicts of the second reward model: ${shown(from, 100, '%')} to ` +
    `${shown(to, 100, '%')}, a difference of ${shown(difference, 100, ' points')}.`
  );
}

function unhelpful(gained: Interval): string {
  return ` But training itself changed it by ${shown(gained)}: it did not rise above its start.`;
}

function why(decision: Decision, seeds: number, before: boolean): string {
  if (decision !== 'undecided') return '';
  return seeds < MIN_SEEDS && !before
    ? `That is fewer than ${MIN_SEEDS} seeds.`
    : 'The interval includes zero.';
}

function paperNumber({ model, from, to }: Finding['paper'][number]): string {
  return `${from} to ${to} (${relativeGain(from, to)}) for ${model}`;
}

function rounded(value: string | number): string | number {
  return typeof value === 'number' ? Number(value.toFixed(4)) : value;
}
