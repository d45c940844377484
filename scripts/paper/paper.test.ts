import { describe, expect, it } from 'vitest';
import type { Evaluated } from '../../src/rl/evaluation/evaluate.ts';
import { Random } from '../../src/rl/random.ts';
import { FINDINGS, judgeFinding, type Finding } from './findings.ts';
import { ablationTable, finalTable, paperReport, type PaperResults } from './report.ts';
import { ALGORITHMS, ARMS, STARTS, type PaperRun } from './runs.ts';
import { agreementTable } from './tables.ts';

const PROMPT = (i: number) =>
  `menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget ${8 + (i % 11)}`;

/** Judged completions whose gold is `level` on average. */
function rows(level: number, seed: number, response = 'pizza 7 and tart 7 .'): Evaluated[] {
  const random = new Random(seed, `rows ${level}`);
  return Array.from({ length: 120 }, (_, i) => {
    const gold = level + random.normal();
    return {
      prompt: PROMPT(i),
      thought: null,
      response,
      rewards: { reward: gold / 2, 'second-reward': gold + 0.1 * random.normal() },
      gold,
      well_formed: true,
      truncated: false,
    };
  });
}

function run(key: Partial<PaperRun>, level: number): PaperRun {
  const { start = 'warm', arm = 'think', algorithm = 'grpo', seed = 0 } = key;
  return {
    ...{ start, arm, algorithm, seed, steps: 100, tokens: 5000, seconds: 60 },
    ...key,
    rows: rows(level, 100 * seed + (arm === 'think' ? 1 : 2)),
  };
}

const SEEDS = [0, 1, 2, 3, 4];
const of = (title: string): Finding => FINDINGS.find((finding) => finding.title.startsWith(title))!;
const baseline = rows(0, 99);

/** Five seeds of both arms with these levels of gold. */
const arms = (think: number, nothink: number, seeds = SEEDS): PaperRun[] =>
  seeds.flatMap((seed) => [run({ seed }, think), run({ seed, arm: 'nothink' }, nothink)]);

describe('judgeFinding', () => {
  const grpo = of('GRPO, warm');
  const decide = (runs: PaperRun[], finding = grpo) => judgeFinding(finding, runs, [], baseline);

  it('is reproduced or not reproduced if the interval excludes zero', () => {
    const better = decide(arms(1, 0));
    expect(better).toMatchObject({ decision: 'reproduced', seeds: 5 });
    expect(better.difference!.mean).toBeCloseTo(1, 0);
    expect(decide(arms(0, 1)).decision).toBe('not reproduced');
  });

  it('is undecided if the interval includes zero or seeds are few, and not run without runs', () => {
    expect(decide(arms(0.5, 0.5)).decision).toBe('undecided');
    expect(decide(arms(3, 0, [0, 1]))).toMatchObject({ decision: 'undecided', seeds: 2 });
    expect(decide(arms(1, 0).filter(({ arm }) => arm === 'think'))).toEqual({
      ...{ finding: grpo, decision: 'not run', seeds: 0 },
    });
  });

  it('is not reproduced by two sides that training made worse', () => {
    const from = (level: number) => [
      { start: 'warm', arm: 'think', rows: rows(level, 1) } as const,
    ];
    const after = (start: number) => judgeFinding(grpo, arms(1, 0), from(start), baseline);
    expect(after(0).decision).toBe('reproduced');
    expect(after(1).decision).toBe('undecided');
    const spoiled = after(2);
    expect(spoiled.decision).toBe('not reproduced');
    expect(spoiled.gained!.high).toBeLessThan(0);
  });

  it('uses the seeds that both sides have', () => {
    const runs = arms(1, 0).filter(({ arm, seed }) => arm === 'think' || seed > 0);
    expect(decide(runs).seeds).toBe(4);
  });

  it('keeps ablations apart from the main table', () => {
    const weak = of('A weak reward model');
    const runs = SEEDS.flatMap((seed) => [
      run({ seed }, 1),
      run({ seed, variant: 'undertrained-reward' }, 0),
    ]);
    expect(decide(runs, weak).decision).toBe('reproduced');
    expect(decide(arms(1, 0), weak).decision).toBe('not run');
  });

  it('judges a claim that a measure falls: instructions followed', () => {
    const costs = of('Where thinking costs');
    const worse = arms(0, 0).map((one) =>
      one.arm === 'think' ? { ...one, rows: rows(0, one.seed, 'ham 2 .') } : one,
    );
    expect(decide(worse, costs).decision).toBe('reproduced');
    expect(decide(arms(0, 0), costs).decision).toBe('undecided');
  });

  it('judges models before training over prompts only', () => {
    const starts = [
      { start: 'warm', arm: 'think', rows: rows(1, 1) },
      { start: 'warm', arm: 'nothink', rows: rows(0, 2) },
    ] as const;
    const outcome = judgeFinding(of('Before reinforcement'), [], starts, baseline);
    expect(outcome).toMatchObject({ decision: 'reproduced', seeds: 1 });
  });
});

describe('the report', () => {
  const levels = { think: 1.5, nothink: 0.5 };
  const results: PaperResults = {
    runs: STARTS.flatMap((start) =>
      ALGORITHMS.flatMap((algorithm) =>
        ARMS.flatMap((arm) =>
          SEEDS.map((seed) => run({ start, algorithm, arm, seed }, levels[arm])),
        ),
      ),
    ).filter(({ start, algorithm }) => start === 'warm' || algorithm !== 'dpo'),
    starts: ARMS.map((arm) => ({ start: 'warm', arm, rows: baseline })),
    seeds: SEEDS,
    adapter: 'a test',
    command: 'npm run paper',
  };

  it('has a row for every run, which is empty for a missing run', () => {
    const [header, ...table] = finalTable(results);
    expect(header!.join(',')).toBe(
      'start,arm,algorithm,seed,steps,reward,gold,win_rate,lc_win_rate,tokens,seconds',
    );
    expect(table.length).toBe(60);
    const first = table.find(
      (row) => row.slice(0, 4).join(' ') === 'warm think grpo 0',
    ) as number[];
    const gold = results.runs[0]!.rows.reduce((sum, row) => sum + row.gold!, 0) / 120;
    expect(first[6]).toBeCloseTo(gold, 3);
    expect(first[7]).toBeGreaterThan(0.7);
    // All responses have the same length, so there is nothing to control for.
    expect(first[8]).toBeCloseTo(first[7]!, 1);
    expect(first.slice(9)).toEqual([5000, 60]);
    const missing = table.filter((row) => row[4] === '');
    expect(missing.length).toBe(10);
    expect(missing.every((row) => row[0] === 'zero' && row[2] === 'dpo')).toBe(true);
  });

  it('lists ablations separately by name', () => {
    const rlvr = run({ variant: 'rlvr', seed: 2 }, 1);
    const [header, ...table] = ablationTable({ ...results, runs: [...results.runs, rlvr] });
    expect(header!.slice(0, 4)).toEqual(['ablation', 'start', 'arm', 'algorithm']);
    expect(table.map((row) => row.slice(0, 6))).toEqual([
      ['rlvr', 'warm', 'think', 'grpo', 2, 100],
    ]);
    expect(finalTable({ ...results, runs: [...results.runs, rlvr] })).toEqual(finalTable(results));
  });

  it('shows how often each reward model agrees with gold', () => {
    const model = (golds: number[], judged: number[]) => ({
      ...({ start: 'zero', arm: 'think' } as const),
      rows: golds.map((gold, i) => ({
        ...rows(0, 1)[i]!,
        gold,
        rewards: { reward: judged[i]!, 'second-reward': gold },
      })),
    });
    // Three pairs with different gold: ordered as gold does, the other way round, and equal.
    const models = [model([1, 1, 1, 5], [1, 0, 2, 9]), model([0, 0, 0, 5], [0, 3, 2, 0])];
    expect(agreementTable([], models)).toEqual([
      ['responses from', 'models', 'reward', 'second-reward'],
      ['zero', '2', '50%', '100%'],
    ]);
  });

  it('has the verdicts of the second reward model beside gold, unless it was the reward of a side', () => {
    const second = run({ variant: 'second-reward' }, 1);
    const paragraphs = paperReport({ ...results, runs: [...results.runs, second] }).split('\n');
    const starting = (title: string) => paragraphs.find((one) => one.startsWith(`**${title}`))!;
    expect(starting('GRPO, warm start')).toMatch(
      /By the verdicts of the second reward model: \d+% \[.*\] to \d+% \[.*\], a difference of \d+ points/,
    );
    expect(starting('A better reward model')).not.toContain('verdicts');
  });

  it("has the paper's numbers beside ours, and shows what did not run", () => {
    const report = paperReport(results);
    expect(report).toContain('50 of the 60 runs');
    expect(report).toMatch(/\| warm \| grpo \| 5 and 5 \| .* \| 32\.1 to 35\.4 \| \+10% \|/);
    expect(report).toMatch(/\| zero \| dpo \| 0 and 0 \| not run \|.*\| none \| none \|/);
    expect(report).toMatch(/\*\*GRPO, warm start: thinking helps: reproduced\.\*\* Here gold goes/);
    expect(report).toMatch(/\*\*DPO, zero: thinking helps: not run\.\*\* It has not been run here/);
    expect(report).toMatch(/\| warm \| no \| grpo \| 5 \| .* \| 0\.\d\d \[0\.\d\d, 0\.\d\d\] \|/);
    expect(report).toMatch(/GRPO beats PPO.*: undecided\.\*\*.*includes zero/);
    for (const { title } of FINDINGS) expect(report).toContain(title);
    expect(report).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('shows where training did not help', () => {
    const starts = ARMS.map((arm) => ({ start: 'warm', arm, rows: rows(3, 1) }) as const);
    const report = paperReport({ ...results, starts });
    expect(report).toMatch(
      /GRPO, warm start: thinking helps: not reproduced\.\*\*.*did not rise above its start/,
    );
  });

  it('can be written before anything has run', () => {
    const empty = { ...results, runs: [], starts: [] };
    expect(finalTable(empty).length).toBe(61);
    const report = paperReport(empty);
    expect(report).toContain('0 of the 60 runs');
    expect(report).not.toMatch(/NaN|undefined|: reproduced/);
  });
});
