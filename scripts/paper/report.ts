/** results/paper: final.csv, and a README that sets the paper's table beside ours. */
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
  /** Seeds that a whole job has. */
  seeds: readonly number[];
  /** What the machine calls its adapter, and the command that was given. */
  adapter: string;
  command: string;
}

/** The warm start answering at once: whom every win rate is against. */
function baselineOf({ starts }: PaperResults): readonly Evaluated[] | undefined {
  return starts.find(({ start, arm }) => start === 'warm' && arm === 'nothink')?.rows;
}

/** Rows of final.csv, header first; runs of the main table that are missing have empty cells. */
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

/** Rows of ablations.csv, header first: as final.csv's, with the ablation's name before them. */
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

/** How hard each prompt is, from the verdicts on the runs of the main table. */
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
    `${main} of the ${whole} runs of the main table are here, each judged once on the same ` +
      `${prompts} held-out prompts, which nothing was trained or tuned on. Made on ${adapter} with`,
    '',
    `    ${command}`,
    '',
    'The paper is "Language Models that Think, Chat Better" (Bhaskar, Ye and Chen 2025, arXiv ' +
      '2509.20357). Its policies have billions of parameters and are judged in chat; the ones here ' +
      'have thousands and plan dinners. What can be compared is the direction, and the relative gain, ' +
      'not the size of a number.',
    '',
    '## Thinking against no thinking',
    '',
    'Win rates are against the warm start answering at once, by a second reward model that no run of ' +
      'this table was trained against, ties half; gold is the hidden utility. Intervals are 95%, by bootstrap over ' +
      'seeds and prompts. The paper: average chat score.',
    '',
    ...markdown(thinkingTable(runs, baseline)),
    '',
    '## What training did',
    '',
    'Against the model that it started from. Where the reward rises and gold does not, training has ' +
      'found what the reward model takes for good and the guest does not: over-optimisation.',
    '',
    ...markdown(trainingTable(runs, results.starts)),
    '',
    '## The reward models',
    '',
    'How often a reward model prefers, of two responses to one held-out prompt, the one that gold ' +
      'prefers: over all pairs of the models before training and of the runs of the first seed that began ' +
      'alike.',
    '',
    ...markdown(agreementTable(runs, results.starts)),
    '',
    '## Findings',
    '',
    'A finding is *reproduced* when the 95% interval of the difference in gold (for the one on ' +
      'instructions: of the share followed) lies wholly on the side that the paper says, *not ' +
      'reproduced* when it lies wholly on the other, and *undecided* when it includes zero or when ' +
      `fewer than ${MIN_SEEDS} seeds have run both sides. Nor is one reproduced where training did not ` +
      'raise the gold of the better side above its start.',
    '',
    ...outcomes.flatMap((outcome) => [paragraph(outcome), '']),
    '## What to keep in mind',
    '',
    '- The seeds are of the reinforcement learning: all runs share one warm start, one base model and ' +
      'one reward model, so the intervals do not say how others would turn out. A bootstrap over a few ' +
      'seeds tends to be narrow in what it says of seeds.',
    `- ${FINDINGS.length} findings are judged at 95% each: one may be called by chance, and those whose ` +
      'interval ends close to zero are the likeliest.',
    '- From zero nothing is learned that the guest likes: an answer that names no two dishes has a gold ' +
      'of -3, and every arm stays below. Both reward models were trained from the warm start on pairs of ' +
      'its answers and their like; so far from those they part from gold (see the table of reward models), ' +
      'and a win rate there says what a reward model likes, not how good a dinner is. The base model has ' +
      'read text in the format of a thought and a response, with which the paper’s base models are ' +
      'prompted instead.',
    '- All algorithms share one learning rate and write as many completions; what they make of them ' +
      'differs: GRPO makes 100 updates with the KL in the loss, PPO 200 with it in the reward, DPO 50 on ' +
      'pairs of what the initial policy wrote. None of them was tuned but GRPO.',
    '- `final.csv` has one row a run of the main table, `ablations.csv` of the others; empty cells are ' +
      'runs that have not been made. `tokens` were generated to learn from; `seconds` are those of training ' +
      'steps, which depend on what else the machine did. `lc_win_rate` is the length-controlled win rate ' +
      'after AlpacaEval 2, without its rows of a baseline against itself; how hard a prompt is was ' +
      'estimated from the verdicts on all runs of the main table.',
    '',
  ].join('\n');
}

/** What the paper does not claim cannot be reproduced. */
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
