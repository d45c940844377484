/**
 * The findings of the RLMT paper (Bhaskar, Ye and Chen 2025, arXiv 2509.20357, tables 1, 3 and 8 to 10)
 * and what the runs here say of each, by stated rules: the hidden utility on held-out prompts, the
 * difference between two sides, and its 95% interval over seeds and prompts.
 */
import type { Evaluated } from '../../src/rl/evaluation/evaluate.ts';
import { hierarchicalBootstrap, type Interval } from '../../src/rl/evaluation/intervals.ts';
import {
  INDEPENDENT,
  perPrompt,
  type Arm,
  type Measure,
  type PaperAlgorithm,
  type PaperRun,
  type Start,
  type StartRun,
} from './runs.ts';

/** Numbers of the paper: from the lesser side to the better one. */
export interface PaperNumber {
  model: string;
  from: number;
  to: number;
}

/** Runs that are alike but for their seed. */
export interface Cell {
  start: Start;
  arm: Arm;
  /** Without one: before reinforcement learning. */
  algorithm?: PaperAlgorithm;
  variant?: string;
}

export interface Finding {
  title: string;
  measure: Measure;
  /** The claim: `to` is above `from`, or with `falls` below it. */
  from: Cell;
  to: Cell;
  falls?: true;
  /** What is to be known when it is read, a sentence. */
  note?: string;
  /** None where the paper has no number. */
  paper: readonly PaperNumber[];
}

export type Decision = 'reproduced' | 'not reproduced' | 'undecided' | 'not run';

export interface Outcome {
  finding: Finding;
  decision: Decision;
  seeds: number;
  from?: Interval;
  to?: Interval;
  difference?: Interval;
  /** For gold: the same two sides by the independent reward model's verdicts against the baseline. */
  wins?: { from: Interval; to: Interval; difference: Interval };
  /** How far training took the better side's gold above that of the model it started from. */
  gained?: Interval;
}

/** With fewer seeds the interval says nothing of seeds. */
export const MIN_SEEDS = 3;

const cell = (start: Start, arm: Arm, algorithm?: PaperAlgorithm, variant?: string): Cell => ({
  ...{ start, arm },
  ...(algorithm && { algorithm }),
  ...(variant !== undefined && { variant }),
});

const llama = 'Llama-3.1-8B';
const qwen = 'Qwen2.5-7B';

function thinkingHelps(
  title: string,
  start: Start,
  algorithm: PaperAlgorithm | undefined,
  numbers: readonly (readonly [model: string, from: number, to: number])[],
): Finding {
  return {
    title,
    measure: 'gold',
    from: cell(start, 'nothink', algorithm),
    to: cell(start, 'think', algorithm),
    paper: numbers.map(([model, from, to]) => ({ model, from, to })),
  };
}

const GRPO_AGAINST_PPO: readonly PaperNumber[] = [
  { model: llama, from: 25.2, to: 35.4 },
  { model: qwen, from: 29.4, to: 34.7 },
];

export const FINDINGS: readonly Finding[] = [
  thinkingHelps('GRPO, warm start: thinking helps', 'warm', 'grpo', [
    [llama, 32.1, 35.4],
    [qwen, 31.0, 34.7],
    [`${llama}-Instruct`, 35.8, 44.0],
    [`${qwen}-Instruct`, 31.8, 39.2],
  ]),
  thinkingHelps('PPO, warm start: thinking helps', 'warm', 'ppo', [
    [llama, 25.2, 25.2],
    [qwen, 26.5, 29.4],
    [`${llama}-Instruct`, 37.4, 42.7],
  ]),
  thinkingHelps('DPO, warm start: thinking helps', 'warm', 'dpo', [
    [llama, 19.3, 21.7],
    [qwen, 19.0, 25.7],
    [`${llama}-Instruct`, 26.1, 30.1],
  ]),
  thinkingHelps('GRPO, zero: thinking helps without demonstrations', 'zero', 'grpo', [
    [llama, 9.8, 15.6],
    [qwen, 23.5, 29.0],
  ]),
  thinkingHelps('PPO, zero: thinking helps', 'zero', 'ppo', []),
  thinkingHelps('DPO, zero: thinking helps', 'zero', 'dpo', []),
  thinkingHelps('Before reinforcement learning the thought already helps', 'warm', undefined, [
    [llama, 7.1, 11.5],
  ]),
  {
    title: 'GRPO beats PPO, both thinking from the warm start',
    measure: 'gold',
    from: cell('warm', 'think', 'ppo'),
    to: cell('warm', 'think', 'grpo'),
    note: 'PPO goes twice over its completions here: 200 updates of the policy to 100 of GRPO.',
    paper: GRPO_AGAINST_PPO,
  },
  {
    title: 'GRPO beats PPO with as many updates of the policy',
    measure: 'gold',
    from: cell('warm', 'think', 'ppo', 'one-epoch'),
    to: cell('warm', 'think', 'grpo'),
    note: 'PPO goes once over its completions.',
    paper: GRPO_AGAINST_PPO,
  },
  {
    title: 'GRPO beats DPO, both thinking from the warm start',
    measure: 'gold',
    from: cell('warm', 'think', 'dpo'),
    to: cell('warm', 'think', 'grpo'),
    note: 'With as many completions, DPO makes 50 updates to 100 of GRPO, from pairs of them.',
    paper: [
      { model: llama, from: 21.7, to: 35.4 },
      { model: qwen, from: 25.7, to: 34.7 },
    ],
  },
  {
    title: 'A warm start beats none, both thinking, GRPO',
    measure: 'gold',
    from: cell('zero', 'think', 'grpo'),
    to: cell('warm', 'think', 'grpo'),
    paper: [
      { model: llama, from: 15.6, to: 35.4 },
      { model: qwen, from: 29.0, to: 34.7 },
    ],
  },
  {
    title: 'Where thinking costs: instructions that rules can check are followed less',
    measure: 'instructions',
    from: cell('warm', 'nothink', 'grpo'),
    to: cell('warm', 'think', 'grpo'),
    falls: true,
    note: 'The instructions here are what the guest asked for (menu, diet, budget, courses), which is close to gold; those of IFEval are of form.',
    paper: [{ model: `${llama}-Instruct, IFEval`, from: 75.6, to: 57.1 }],
  },
  {
    title: 'A weak reward model hurts',
    measure: 'gold',
    from: cell('warm', 'think', 'grpo', 'undertrained-reward'),
    to: cell('warm', 'think', 'grpo'),
    paper: [{ model: `${llama}, ArmoRM against Skywork-V1`, from: 14.8, to: 35.4 }],
  },
  {
    title: 'A better reward model helps',
    measure: 'gold',
    from: cell('warm', 'think', 'grpo'),
    to: cell('warm', 'think', 'grpo', 'second-reward'),
    note: 'The second reward model was made as the first, from other pairs; how much better it is, the table of reward models says.',
    paper: [{ model: `${llama}, Skywork-V1 against V2`, from: 35.4, to: 39.0 }],
  },
  {
    title: 'Prompts matter: prompts of one diet alone are worse',
    measure: 'gold',
    from: cell('warm', 'think', 'grpo', 'one-diet'),
    to: cell('warm', 'think', 'grpo'),
    paper: [{ model: `${llama}, UltraFeedback against WildChat-IF`, from: 32.2, to: 35.4 }],
  },
  {
    title: 'Prompts matter: few prompts are worse',
    measure: 'gold',
    from: cell('warm', 'think', 'grpo', 'few-prompts'),
    to: cell('warm', 'think', 'grpo'),
    note: 'Here 32 prompts in place of as many as are drawn; the paper compares kinds of prompts, not their number.',
    paper: [{ model: `${llama}, random SFT prompts against WildChat-IF`, from: 25.5, to: 35.4 }],
  },
  {
    title: 'RLVR (a rule for a reward), warm start: thinking helps',
    measure: 'gold',
    from: cell('warm', 'nothink', 'grpo', 'rlvr'),
    to: cell('warm', 'think', 'grpo', 'rlvr'),
    note: 'The rule pays 1 for a main and a sweet of the menu at their prices that the guest can eat, with two coins left at most; else 0.',
    paper: [],
  },
];

/**
 * A finding is reproduced when the interval of the difference lies wholly on the claim's side of
 * zero, not reproduced when wholly on the other, undecided when it includes zero or when fewer than
 * MIN_SEEDS seeds have both sides. Nor is it reproduced where training did not take the better side
 * above its own start: two policies that training spoiled say nothing of what training can do. What
 * was there before training is one model: its interval is over prompts alone.
 */
export function judgeFinding(
  finding: Finding,
  runs: readonly PaperRun[],
  starts: readonly StartRun[],
  baseline: readonly Evaluated[],
): Outcome {
  const [from, to] = [finding.from, finding.to].map(
    (side) => new Map(rowsOf(side, runs, starts).map(({ seed, rows }) => [seed, rows])),
  ) as [Map<number, readonly Evaluated[]>, Map<number, readonly Evaluated[]>];
  const seeds = [...to.keys()].filter((seed) => from.has(seed)).sort((a, b) => a - b);
  if (seeds.length === 0) return { finding, decision: 'not run', seeds: 0 };
  const sides = (measure: Measure): [lesser: number[][], better: number[][]] => {
    const of = (rows: Map<number, readonly Evaluated[]>): number[][] =>
      seeds.map((seed) => perPrompt(rows.get(seed)!, measure, baseline));
    return [of(from), of(to)];
  };
  const [lesser, better] = sides(finding.measure);
  const difference = differenceOf(lesser, better);
  const single = finding.to.algorithm === undefined;
  const start = starts.find(
    (one) => one.start === finding.to.start && one.arm === finding.to.arm && !single,
  );
  const gained =
    start && finding.measure === 'gold'
      ? gain(better, perPrompt(start.rows, 'gold', []))
      : undefined;
  return {
    finding,
    decision:
      seeds.length < MIN_SEEDS && !single
        ? 'undecided'
        : worse(decide(difference, finding.falls ? -1 : 1), gained && decide(gained, 1)),
    ...(gained && { gained }),
    seeds: seeds.length,
    from: hierarchicalBootstrap(lesser),
    to: hierarchicalBootstrap(better),
    difference,
    ...(isIndependent(finding) && baseline.length > 0 && { wins: compared(...sides('win')) }),
  };
}

/** The second reward model says nothing of runs that were trained against it. */
function isIndependent({ measure, from, to }: Finding): boolean {
  return measure === 'gold' && ![from, to].some(({ variant }) => variant === INDEPENDENT);
}

function compared(lesser: number[][], better: number[][]): NonNullable<Outcome['wins']> {
  return {
    from: hierarchicalBootstrap(lesser),
    to: hierarchicalBootstrap(better),
    difference: differenceOf(lesser, better),
  };
}

function differenceOf(lesser: readonly number[][], better: readonly number[][]): Interval {
  return hierarchicalBootstrap(
    better.map((row, s) => row.map((value, p) => value - lesser[s]![p]!)),
  );
}

function rowsOf(
  { start, arm, algorithm, variant }: Cell,
  runs: readonly PaperRun[],
  starts: readonly StartRun[],
): { seed: number; rows: readonly Evaluated[] }[] {
  if (algorithm === undefined) {
    const found = starts.find((one) => one.start === start && one.arm === arm);
    return found ? [{ seed: 0, rows: found.rows }] : [];
  }
  return runs.filter(
    (run) =>
      run.start === start &&
      run.arm === arm &&
      run.algorithm === algorithm &&
      run.variant === variant,
  );
}

/** Mean of the runs above the start, over seeds and prompts. */
export function gain(runs: readonly (readonly number[])[], start: readonly number[]): Interval {
  return hierarchicalBootstrap(runs.map((row) => row.map((value, p) => value - start[p]!)));
}

/** What two conditions say together: the claim, and that training helped at all. */
function worse(claim: Decision, helped: Decision = 'reproduced'): Decision {
  const order: Decision[] = ['not reproduced', 'undecided', 'reproduced'];
  return order.find((decision) => decision === claim || decision === helped) ?? claim;
}

function decide({ low, high }: Interval, direction: 1 | -1): Decision {
  if (low <= 0 && high >= 0) return 'undecided';
  return Math.sign(low) === direction ? 'reproduced' : 'not reproduced';
}
