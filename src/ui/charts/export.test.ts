import { describe, expect, it } from 'vitest';
import type { MetricsRow, StepReport } from '../../rl/report.ts';
import { completionsJsonl, metricsCsv, metricsJsonl } from './export.ts';

const rows: MetricsRow[] = [
  { step: 1, reward: 0.5 },
  { step: 2, reward: -1, eval_reward: 3 },
];

describe('metricsCsv', () => {
  it('leaves absent metrics empty', () => {
    expect(metricsCsv([{ label: 'a', rows }])).toBe('step,reward,eval_reward\n1,0.5,\n2,-1,3\n');
  });
  it('names the runs when there are several, whatever they are called', () => {
    const other = { label: '=x, "y"', rows: [{ step: 1, kl: 0.1 }] };
    expect(metricsCsv([{ label: 'a', rows }, other])).toBe(
      'run,step,reward,eval_reward,kl\na,1,0.5,,\na,2,-1,3,\n"\'=x, ""y""",1,,,0.1\n',
    );
  });
});

it('metricsJsonl is a line for each row', () => {
  expect(metricsJsonl([{ label: 'a', rows }])).toBe(
    '{"step":1,"reward":0.5}\n{"step":2,"reward":-1,"eval_reward":3}\n',
  );
  const [first] = metricsJsonl([
    { label: 'a', rows },
    { label: 'b', rows },
  ]).split('\n');
  expect(JSON.parse(first!)).toEqual({ run: 'a', step: 1, reward: 0.5 });
});

it('completionsJsonl has a column for each reward, and skips steps without completions', () => {
  const sample = {
    completion: 'hm </think> soup',
    thought: 'hm',
    response: 'soup',
    wellFormed: true,
    truncated: false,
    tokens: 3,
    reward: 1.5,
    rewards: { reward_model: 1, brevity: 0.5 },
    advantage: 0.7,
  };
  const reports: StepReport[] = [
    { metrics: { step: 1 } },
    { metrics: { step: 2 }, group: { prompt: 'what?', samples: [sample], mean: 1.5, std: 0 } },
  ];
  const lines = completionsJsonl(reports).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      step: 2,
      prompt: 'what?',
      completion: 'hm </think> soup',
      thought: 'hm',
      response: 'soup',
      reward_model: 1,
      brevity: 0.5,
      reward: 1.5,
      advantage: 0.7,
    },
  ]);
});
