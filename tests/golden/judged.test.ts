/** Judged benchmarks against the makers' own code, run once by make_judged.py. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { styleOf } from '../../src/rl/evaluation/style.ts';
import {
  arenaHard,
  battleOutcomes,
  label,
  styleFeatures,
  zScored,
} from '../../src/rl/evaluation/benchmarks/arena-hard.ts';
import type { ChatMessage } from '../../src/model/tokenizer.ts';
import { fitBradleyTerry } from '../../src/rl/evaluation/benchmarks/bradley-terry.ts';
import {
  creativeWriting,
  criteriaScores,
} from '../../src/rl/evaluation/benchmarks/creative-writing.ts';
import { mtBench, rating } from '../../src/rl/evaluation/benchmarks/mt-bench.ts';
import { judgedField, wildBench } from '../../src/rl/evaluation/benchmarks/wildbench.ts';
import { sigmoid } from '../../src/rl/evaluation/logistic.ts';
import { mean } from '../../src/rl/statistics.ts';

type Label = string | null;
type Styles = [number, number, number, number];
interface Golden {
  mt_bench: { prompts: string; asked: [string, string, string][]; ratings: [string, number][] };
  creative_writing: {
    template: string;
    criteria: string;
    negative: string;
    asked: string;
    judgments: string[];
    parsed: Record<string, number>[];
    score: number;
  };
  wildbench_prompts: {
    templates: { pairwise: string; score: string };
    texts: Record<string, [own: string, other: string]>;
    asked: Record<string, string>;
  };
  wildbench: {
    fields: [string, { score?: unknown; choice?: unknown }][];
    rows: {
      tags: string[];
      own: number;
      other: number;
      level: 1 | 0.5 | 0 | -0.5 | -1;
      score: number;
    }[];
    results: {
      pairwise: { reward: number; task_macro_reward: number };
      score: { adjusted_score: number; task_macro_score: number };
    };
  };
  arena_hard: {
    labels: [string, Label][];
    battles: { games: [string, string]; styles: [Styles, Styles]; outcomes: number[] }[];
    coefs: { float32: number[]; float64: number[] };
    mean: number;
    markdown: [string, { header: number; list: number; bold: number }][];
    systems: { hard_prompt: string; creative_writing: string };
    asked: string;
  };
}
const golden = JSON.parse(readFileSync(new URL('judged.json', import.meta.url), 'utf8')) as Golden;

const jsonl = (...rows: unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const contents = (messages: readonly ChatMessage[]): string[] =>
  messages.map(({ content }) => content);
const round = (value: number, digits: number): string => value.toFixed(digits);

it('MT-Bench: prompts', () => {
  const turns = ['Q1 {x}', 'Q2'];
  const items = mtBench.items({
    'question.jsonl': jsonl(
      { question_id: 1, category: 'writing', turns },
      { question_id: 2, category: 'math', turns },
    ),
    'judge_prompts.jsonl': golden.mt_bench.prompts,
    'gpt-4.jsonl': jsonl({ question_id: 2, choices: [{ turns: ['R1', 'R2'] }] }),
  });
  const asked = items.flatMap((item) => mtBench.requests(item, ['A1 $& {answer}', 'A2']));
  const order = [
    'single-v1',
    'single-v1-multi-turn',
    'single-math-v1',
    'single-math-v1-multi-turn',
  ];
  const expected = new Map(golden.mt_bench.asked.map(([name, ...texts]) => [name, texts]));
  expect(asked.map(({ messages }) => contents(messages))).toEqual(
    order.map((name) => expected.get(name)),
  );
});

it('MT-Bench: ratings', () => {
  for (const [judgment, value] of golden.mt_bench.ratings) {
    expect(rating(judgment) ?? -1, judgment).toBe(value);
  }
});

it('Creative Writing: prompt, criteria and score', () => {
  const { template, criteria, negative, asked, judgments, parsed, score } = golden.creative_writing;
  const [item] = creativeWriting.items({
    'creative_writing_prompts_v3.json': JSON.stringify({
      1: { writing_prompt: 'Write. <SEED> Now.', seed_modifiers: ['$& One.', 'Two.'] },
    }),
    'creative_writing_judging_prompt.txt': template,
    'creative_writing_criteria.txt': criteria,
    'negative_criteria.txt': negative,
  });
  expect(item!.turns).toEqual(['Write. $& One. Now.']);
  const response = 'A {story} $1'.repeat(50);
  expect(contents(creativeWriting.requests(item!, [response])[0]!.messages)).toEqual([asked]);
  // Only RLMT's variant judges a short text, and only it cuts a long one.
  const [short] = creativeWriting.requests(item!, ['too short']);
  expect(creativeWriting.verdict(item!, ['too short'], [{ text: 'a: 3' }])).toEqual({
    ...{ makers: null, rlmt: { a: 3 } },
  });
  expect(short!.messages[0]!.content).toContain('too short');
  const long = Array.from({ length: 3201 }, (_, i) => `w${i + 1}`).join(' ');
  const [makers, rlmt] = creativeWriting.requests(item!, [long]).map(({ messages }) => messages);
  expect(makers![0]!.content).toContain('w3200 w3201');
  expect(rlmt![0]!.content).toMatch(/w3200(?! w3201)/);
  expect(judgments.map(criteriaScores)).toEqual(parsed);
  const rows = parsed.map((scores) => ({
    ...{ item: item!, responses: [response], verdict: { makers: scores, rlmt: scores } },
  }));
  // Each piece has its own question here, as in the original's mean over pieces.
  const [row] = creativeWriting.score(
    rows.map((one, i) => ({ ...one, item: { ...one.item, question: String(i) } })),
  );
  expect(round(row!.mean, 2)).toBe(round(score, 2));
});

it.each(['short', 'long'])('WildBench: prompts of %s responses', (length) => {
  const { templates, texts, asked } = golden.wildbench_prompts;
  const [own, other] = texts[length]!;
  const items = wildBench.items({
    'v2.json': jsonl(
      ...['a', 'b', 'c', 'd', 'e', 'f'].map((id) => ({
        ...{ id, checklist: ['first?', 'second?'], references: { other }, primary_tag: 'Math' },
        conversation_input: [
          { role: 'user', content: 'one {$user_query}' },
          { role: 'assistant', content: 'two' },
          { role: 'user', content: 'query $&' },
        ],
      })),
    ),
    'eval_template.score.v2.md': templates.score,
    'eval_template.pairwise.v2.md': templates.pairwise,
  });
  const orders = new Set(items.map(({ data }) => data.first));
  expect(orders.size).toBe(2);
  for (const item of items) {
    const prompts = wildBench.requests(item, [own]).flatMap(({ messages }) => contents(messages));
    const pair = asked[`${length} pairwise${item.data.first ? '' : ' swapped'}`];
    expect(prompts).toEqual([asked[`${length} score`], pair]);
  }
});

it('WildBench: fields of a judgment', () => {
  for (const [judgment, fields] of golden.wildbench.fields) {
    expect(judgedField(judgment, 'score'), judgment).toEqual(fields.score);
    expect(judgedField(judgment, 'choice'), judgment).toEqual(fields.choice);
  }
});

it('WildBench: rewards and scores', () => {
  const { rows, results } = golden.wildbench;
  const items = wildBench.items({
    'v2.json': jsonl(
      ...rows.map(({ tags, other }, i) => ({
        id: String(i),
        conversation_input: [{ role: 'user', content: 'Q' }],
        checklist: ['c'],
        primary_tag: tags[0],
        secondary_tags: tags.slice(1),
        references: { ref: ['b'.repeat(other)] },
      })),
    ),
    'eval_template.score.v2.md': '{$history}|{$user_query}|{$model_output}|{$checklist}',
    'eval_template.pairwise.v2.md': '{$candidate_A}|{$candidate_B}',
  });
  const scored = items.map((item, i) => ({
    item,
    responses: ['a'.repeat(rows[i]!.own)],
    verdict: { score: rows[i]!.score, level: rows[i]!.level },
  }));
  const values = Object.fromEntries(wildBench.score(scored).map(({ name, mean }) => [name, mean]));
  expect(values['reward_K500']).toBeCloseTo(100 * results.pairwise.reward, 9);
  expect(values['task_macro_reward_K500']).toBeCloseTo(100 * results.pairwise.task_macro_reward, 9);
  expect(values['score']).toBeCloseTo(results.score.adjusted_score, 9);
  expect(values['task_macro_score']).toBeCloseTo(results.score.task_macro_score, 9);
});

it('Arena-Hard: prompts', () => {
  const { systems, asked } = golden.arena_hard;
  const answer = (uid: string) => ({ uid, messages: [{ content: { answer: 'base {y}' } }] });
  const items = arenaHard.items({
    'question.jsonl': jsonl(
      { uid: 'h', category: 'hard_prompt', prompt: 'Q {x}' },
      { uid: 'c', category: 'creative_writing', prompt: 'Q {x}' },
    ),
    'o3-mini-2025-01-31.jsonl': jsonl(answer('h')),
    'gemini-2.0-flash-001.jsonl': jsonl(answer('c')),
  });
  const games = items.map((item) => arenaHard.requests(item, ['own $&'])[0]!.messages);
  expect(games.map(contents)).toEqual([
    [systems.hard_prompt, asked],
    [systems.creative_writing, asked],
  ]);
});

it('Arena-Hard: labels, battles and markdown', () => {
  const { labels, battles, markdown } = golden.arena_hard;
  for (const [judgment, found] of labels) expect(label(judgment), judgment).toBe(found);
  for (const { games, outcomes } of battles) expect(battleOutcomes(games)).toEqual(outcomes);
  expect(mean(battles.flatMap(({ games }) => battleOutcomes(games)))).toBeCloseTo(
    golden.arena_hard.mean,
    12,
  );
  for (const [text, { header, list, bold }] of markdown) {
    expect(styleOf(text), text).toMatchObject({ headers: header, lists: list, bold });
  }
});

it('Arena-Hard: the fit with style', () => {
  const rows = golden.arena_hard.battles.flatMap(({ styles, outcomes }) => {
    const [own, other] = styles.map(([length, headers, lists, bold]) => {
      return { length, headers, lists, bold };
    });
    return outcomes.map((outcome) => ({ outcome, features: styleFeatures(own!, other!) }));
  });
  const design = zScored(rows.map(({ features }) => features)).map((row) => [1, -1, ...row]);
  const fitted = fitBradleyTerry(
    design,
    rows.map(({ outcome }) => outcome),
  );
  const { float32, float64 } = golden.arena_hard.coefs;
  fitted.forEach((value, k) => expect(value).toBeCloseTo(float64[k]!, 5));
  // The original has float32, and prints a win rate with one decimal.
  const printed = ([own, baseline]: number[]): string => round(100 * sigmoid(own! - baseline!), 1);
  expect(printed(fitted)).toBe(printed(float32));
});
