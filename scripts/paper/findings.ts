/**
 * The findings of the RLMT paper (Bhaskar, Ye and Chen 2025, arXiv 2509.20357, tables 1, 3 and 8 to 10),
 * and whether the runs here reproduce each of them, by fixed rules: the difference of two sides in the
 * hidden utility on held-out prompts, and its 95% interval over seeds and prompts.
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

/** Numbers of the paper, from the worse side to the better side. */
interface PaperNumber {
  model: string;
  from: number;
  to: number;
}

/** Runs that differ only in their seed. */
interface Cell {
  start: Start;
  arm: Arm;
  /** Absent for a model before reinforcement learning. */
  algorithm?: PaperAlgorithm;
  variant?: string;
}

export interface Finding {
  title: string;
  measure: Measure;
  /** The claim: `to` is above `from`, or below it with `falls`. */
  from: Cell;
  to: Cell;
  falls?: true;
  /** A sentence that the reader needs to know. */
  note?: string;
  /** None if the paper has no number. */
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
  /** Only for gold: the same two sides by the independent reward model's verdicts against the baseline. */
  wins?: { from: Interval; to: Interval; difference: Interval };
  /** How much training raised the better side's gold above that of its start. */
  gained?: Interval;
}

/** With fewer seeds the interval cannot show the variation between seeds. */
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
  {
    title: 'GRPO, zero, five times as many steps: thinking helps',
    measure: 'gold',
    from: cell('zero', 'nothink', 'grpo', 'longer'),
    to: cell('zero', 'think', 'grpo', 'longer'),
    paper: [],
  },
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
    note: 'PPO learns twice from its completions here: it makes 200 updates of the policy, GRPO 100.',
    paper: GRPO_AGAINST_PPO,
  },
  {
    title: 'GRPO beats PPO with as many updates of the policy',
    measure: 'gold',
    from: cell('warm', 'think', 'ppo', 'one-epoch'),
    to: cell('warm', 'think', 'grpo'),
    note: 'PPO learns once from its completions.',
    paper: GRPO_AGAINST_PPO,
  },
  {
    title: 'GRPO beats DPO, both thinking from the warm start',
    measure: 'gold',
    from: cell('warm', 'think', 'dpo'),
    to: cell('warm', 'think', 'grpo'),
    note: 'From the same number of completions DPO makes 50 updates, on pairs, and GRPO 100.',
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
    note: 'The instructions here are what the guest asked for (menu, diet, budget, courses), which is close to gold; those of IFEval are about form.',
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
    note: 'The second reward model was made like the first, from other pairs; the table of reward models says how much better it is.',
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
    note: 'Here the policy trains on 32 prompts, not on new ones at every step; the paper compares kinds of prompts, not their number.',
    paper: [{ model: `${llama}, random SFT prompts against WildChat-IF`, from: 25.5, to: 35.4 }],
  },
  {
    title: 'RLVR (a rule for a reward), warm start: thinking helps',
    measure: 'gold',
    from: cell('warm', 'nothink', 'grpo', 'rlvr'),
    to: cell('warm', 'think', 'grpo', 'rlvr'),
    note: 'The rule gives 1 for a main and a sweet from the menu, at their prices, that the guest can eat and that leave at most two coins; else 0.',
    paper: [],
  },
];

/**
 * A finding is reproduced if the interval of the difference is wholly on the claim's side of zero, not
 * reproduced if it is wholly on the other side, and undecided if it includes zero or if fewer than
 * MIN_SEEDS seeds have both sides. It is also not reproduced if training did not raise the better side
 * above its own start, because two policies that training made worse do not show what training can do.
 * Before training there is only one model, so its interval is over prompts only.
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

/** The second reward model is not independent of runs that were trained with it. */
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

/** Mean difference of the runs from their start, over seeds and prompts. */
export function gain(runs: readonly (readonly number[])[], start: readonly number[]): Interval {
  return hierarchicalBootstrap(runs.map((row) => row.map((value, p) => value - start[p]!)));
}

/** The worse of two decisions: on the claim, and on whether training helped. */
function worse(claim: Decision, helped: Decision = 'reproduced'): Decision {
  const order: Decision[] = ['not reproduced', 'undecided', 'reproduced'];
  return order.find((decision) => decision === claim || decision === helped) ?? claim;
}

function decide({ low, high }: Interval, direction: 1 | -1): Decision {
  if (low <= 0 && high >= 0) return 'undecided';
  return Math.sign(low) === direction ? 'reproduced' : 'not reproduced';
}
