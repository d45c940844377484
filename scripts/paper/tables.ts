/** The tables of the report as rows of text, and the format of their numbers. */
import type { Evaluated } from '../../src/rl/evaluation/evaluate.ts';
import { mean } from '../../src/rl/statistics.ts';
import { hierarchicalBootstrap, type Interval } from '../../src/rl/evaluation/intervals.ts';
import { FINDINGS, gain } from './findings.ts';
import {
  ALGORITHMS,
  ARMS,
  INDEPENDENT,
  perPrompt,
  REWARD,
  STARTS,
  type Arm,
  type PaperAlgorithm,
  type PaperRun,
  type Start,
  type StartRun,
} from './runs.ts';

const UNKNOWN = 'not run';

/** Each algorithm without and with a thought, beside the paper. */
export function thinkingTable(
  runs: readonly PaperRun[],
  baseline: readonly Evaluated[] | undefined,
): string[][] {
  const header = [
    ...['start', 'algorithm', 'seeds', 'win rate N', 'win rate T', 'gain'],
    ...['gold N', 'gold T', 'paper N to T', "paper's gain"],
  ];
  const rows = STARTS.flatMap((start) =>
    ALGORITHMS.map((algorithm) => {
      const of = (arm: Arm): PaperRun[] => mainRuns(runs, start, arm, algorithm);
      const [direct, think] = [of('nothink'), of('think')];
      const interval = (side: readonly PaperRun[], measure: 'win' | 'gold') =>
        side.length > 0 && baseline
          ? hierarchicalBootstrap(side.map(({ rows: own }) => perPrompt(own, measure, baseline)))
          : undefined;
      const [n, t] = [interval(direct, 'win'), interval(think, 'win')];
      const finding = FINDINGS.find(
        ({ from, to }) =>
          to.start === start &&
          to.algorithm === algorithm &&
          to.arm === 'think' &&
          from.arm === 'nothink',
      );
      const [first] = finding?.paper ?? [];
      return [
        ...[start, algorithm, `${direct.length} and ${think.length}`],
        ...[
          shown(n, 100, '%'),
          shown(t, 100, '%'),
          n && t ? relativeGain(n.mean, t.mean) : UNKNOWN,
        ],
        ...[shown(interval(direct, 'gold')), shown(interval(think, 'gold'))],
        first ? `${first.from} to ${first.to}` : 'none',
        first ? relativeGain(first.from, first.to) : 'none',
      ];
    }),
  );
  return [header, ...rows];
}

/** What training did to each start: its reward, and the guest's gold. */
export function trainingTable(runs: readonly PaperRun[], starts: readonly StartRun[]): string[][] {
  const header = [
    ...['start', 'thought', 'algorithm', 'seeds', 'reward before', 'after'],
    ...['gold before', 'after', 'change of gold'],
  ];
  const rows = STARTS.flatMap((start) =>
    ARMS.flatMap((arm) =>
      ALGORITHMS.flatMap((algorithm) => {
        const made = mainRuns(runs, start, arm, algorithm);
        const before = starts.find((one) => one.start === start && one.arm === arm)?.rows;
        if (made.length === 0 || !before) return [];
        const gold = perPrompt(before, 'gold', []);
        const golds = made.map((run) => perPrompt(run.rows, 'gold', []));
        const rewards = [meanReward(before), mean(made.map((run) => meanReward(run.rows)))];
        return [
          [
            ...[start, arm === 'think' ? 'yes' : 'no', algorithm, String(made.length)],
            ...[...rewards, mean(gold), mean(golds.map(mean))].map((x) => x.toFixed(2)),
            shown(gain(golds, gold)),
          ],
        ];
      }),
    ),
  );
  return [header, ...rows];
}

/** How often each reward model agrees with gold on the responses of one start. */
export function agreementTable(runs: readonly PaperRun[], starts: readonly StartRun[]): string[][] {
  const judges = [REWARD, INDEPENDENT];
  const rows = STARTS.flatMap((start) => {
    const alike = [
      ...starts,
      ...runs.filter(({ variant, seed }) => variant === undefined && seed === 0),
    ].filter((one) => one.start === start);
    if (alike.length < 2) return [];
    const shares = judges.map((judge) => agreement(alike, judge));
    return [
      [...[start, String(alike.length)], ...shares.map((share) => `${Math.round(100 * share)}%`)],
    ];
  });
  return [['responses from', 'models', ...judges], ...rows];
}

/** Share of pairs of answers to one prompt that `judge` orders as gold does; pairs with equal gold do not count. */
function agreement(models: readonly StartRun[], judge: string): number {
  let [agreed, all] = [0, 0];
  models.forEach(({ rows: ours }, m) =>
    models.slice(0, m).forEach(({ rows: theirs }) =>
      ours.forEach((our, p) => {
        const their = theirs[p]!;
        const [by, gold] = [our.rewards[judge]! - their.rewards[judge]!, our.gold! - their.gold!];
        if (gold === 0) return;
        all++;
        agreed += by === 0 ? 0.5 : by * gold > 0 ? 1 : 0;
      }),
    ),
  );
  return agreed / all;
}

function meanReward(rows: readonly Evaluated[]): number {
  return mean(rows.map(({ rewards }) => rewards[REWARD] ?? NaN));
}

/** Runs of the main table that differ only in their seed. */
function mainRuns(
  runs: readonly PaperRun[],
  start: Start,
  arm: Arm,
  algorithm: PaperAlgorithm,
): PaperRun[] {
  return runs.filter(
    (run) =>
      run.start === start &&
      run.arm === arm &&
      run.algorithm === algorithm &&
      run.variant === undefined,
  );
}

export function relativeGain(from: number, to: number): string {
  const percent = Math.round((100 * (to - from)) / from);
  return `${percent >= 0 ? '+' : ''}${percent}%`;
}

export function shown(of: Interval | undefined, scale = 1, unit = ''): string {
  if (!of) return UNKNOWN;
  const digits = scale === 1 ? 2 : 0;
  const [mean, low, high] = [of.mean, of.low, of.high].map((x) => (scale * x).toFixed(digits));
  return `${mean}${unit} [${low}, ${high}]`;
}

export function markdown([header = [], ...rows]: readonly string[][]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)];
}
