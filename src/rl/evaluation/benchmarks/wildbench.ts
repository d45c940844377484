/**
 * WildBench (Lin et al. 2024, arXiv 2406.04770), as in allenai/WildBench at commit d6b8dca (src/eval.py,
 * leaderboard/data_dir/_create_tables.py): a judge scores the response from 1 to 10 by the task's
 * checklist, and compares it with a reference's. RLMT's variant of the comparison counts a judgment that
 * cannot be read as the worst, has no length margin and no task weights.
 */
import { parseBounded } from '../../../model/json.ts';
import type { ChatMessage } from '../../../model/tokenizer.ts';
import { Random } from '../../random.ts';
import { mean } from '../../statistics.ts';
import { bootstrap } from '../intervals.ts';
import { LENGTH_MARGIN, wildBenchScore, type Level } from '../levels.ts';
import {
  BenchmarkDataError,
  type Item,
  type JudgeRequest,
  type JudgedBenchmark,
  type ScoreRow,
} from './benchmark.ts';
import { jsonRows, meanRow, rowsField, textField, type JsonRow } from './rows.ts';
import { replaceInTurn } from './templates.ts';

const TASKS = 'v2.json';
const SCORE = 'eval_template.score.v2.md';
const PAIR = 'eval_template.pairwise.v2.md';
const FROM = 'https://github.com/allenai/WildBench (evaluation)';

/** Longer texts are cut before they are compared (evaluation/run_eval_v2_batch.sh); a score has no limit. */
const MOST_WORDS_OF_PAIRS = 1000;

const GROUPS: Readonly<Record<string, string>> = {
  'Information seeking': 'Information/Advice seeking',
  'Creative Writing': 'Creative Tasks',
  'Coding & Debugging': 'Coding & Debugging',
  Reasoning: 'Planning & Reasoning',
  Editing: 'Creative Tasks',
  Math: 'Math & Data Analysis',
  Planning: 'Planning & Reasoning',
  Brainstorming: 'Creative Tasks',
  'Role playing': 'Creative Tasks',
  'Advice seeking': 'Information/Advice seeking',
  'Data Analysis': 'Math & Data Analysis',
  Others: 'Creative Tasks',
};
const WEIGHTS: Readonly<Record<string, number>> = {
  'Creative Tasks': 0.5,
  'Planning & Reasoning': 1.25,
  'Math & Data Analysis': 1,
  'Information/Advice seeking': 0.75,
  'Coding & Debugging': 1.25,
};

interface WildBenchData {
  history: string;
  query: string;
  checklist: readonly string[];
  groups: readonly string[];
  templates: { score: string; pair: string };
  /** Whether the policy's response is the first of the two; drawn by the item's id. */
  first: boolean;
}

interface WildBenchVerdict {
  /** 1 to 10; null if it cannot be read. */
  score: number | null;
  /** Undefined without a reference; null if it cannot be read. */
  level?: Level | null;
}

export const wildBench: JudgedBenchmark<WildBenchData, WildBenchVerdict> = {
  name: 'wildbench',
  title: 'WildBench',
  by: 'judge',
  files: [
    {
      name: TASKS,
      holds: 'the 1,024 tasks with checklists, and references if they are compared',
      from: 'https://huggingface.co/datasets/allenai/WildBench (v2, as JSON)',
    },
    { name: SCORE, holds: "the judge's prompt for scores", from: FROM },
    { name: PAIR, holds: "the judge's prompt for pairs", from: FROM },
  ],
  items(files) {
    const templates = { score: files[SCORE]!, pair: files[PAIR]! };
    return jsonRows(files[TASKS]!, TASKS).map((task, i) =>
      taskOf(task, `${TASKS}, task ${i + 1}`, templates),
    );
  },
  requests({ data, reference }, [response = '']) {
    const checklist = ['{$checklist}', data.checklist.map((one) => `- ${one}\n`).join('')] as const;
    // An empty response needs no judge: its verdicts are fixed.
    if (response.trim() === '') return [];
    const request = (
      template: string,
      values: readonly (readonly [string, string])[],
      mostWords: number,
    ): JudgeRequest => {
      const all = [['{$history}', data.history], ['{$user_query}', data.query], ...values] as const;
      const shortened = all.map(([name, text]) => [name, shorten(text, mostWords)] as const);
      const content = replaceInTurn(template, [...shortened, checklist]);
      return { messages: [{ role: 'user', content }], temperature: 0, maxTokens: 4096 };
    };
    const { score, pair } = data.templates;
    const requests = [request(score, [['{$model_output}', response]], Infinity)];
    if (reference !== undefined && reference.trim() !== '') {
      const [a, b] = data.first ? [response, reference] : [reference, response];
      const candidates = [
        ['{$candidate_A}', a],
        ['{$candidate_B}', b],
      ] as const;
      requests.push(request(pair, candidates, MOST_WORDS_OF_PAIRS));
    }
    return requests;
  },
  verdict({ data, reference }, [response = ''], [score, pair]) {
    const own = score ? judgedScore(score.text) : 1;
    if (reference === undefined) return { score: own };
    if (pair) return { score: own, level: judgedLevel(pair.text, data.first) };
    const empty = [response, reference].map((text) => text.trim() === '');
    return { score: own, level: empty[0] ? (empty[1] ? 0 : -1) : 1 };
  },
  score(rows) {
    const graded = rows.map(({ item, responses, verdict }): Graded => {
      const [own, other] = [responses[0]!, item.reference ?? ''];
      const compared = own.trim() !== '' && other.trim() !== '';
      return {
        id: item.id,
        groups: item.data.groups,
        ...(verdict.level !== undefined && {
          // The original counts a pair with an empty response, but neither as won nor as lost.
          pair: verdict.level && (compared ? marginLevel(verdict.level, own, other) : 0),
          rlmt: verdict.level ?? -1,
        }),
        compared,
        score: verdict.score,
      };
    });
    const pairs = graded.filter(({ pair }) => pair !== undefined && pair !== null);
    const scored = graded.filter(({ score }) => score !== null);
    const rlmt = graded.flatMap(({ id, rlmt: value }) =>
      value === undefined ? [] : [{ question: id, value }],
    );
    const compared = pairs.filter((row) => row.compared);
    const table = [
      ...row(`reward_K${LENGTH_MARGIN}`, pairs, reward),
      ...row(`task_macro_reward_K${LENGTH_MARGIN}`, compared, (of) => macro(of, reward)),
      ...(rlmt.length > 0 ? [meanRow('rlmt_reward', rlmt, 100)] : []),
      ...row('score', scored, adjusted),
      ...row('task_macro_score', scored, (of) => macro(of, adjusted)),
    ];
    return table.map((one, i) => (i === 0 ? { ...one, main: true } : one));
  },
};

interface Graded {
  id: string;
  groups: readonly string[];
  /** By the original, with its length margin; null if unreadable, undefined without a reference. */
  pair?: number | null;
  rlmt?: number;
  compared: boolean;
  score: number | null;
}

type Rows = readonly Graded[];

/** A slight win of a response that is more than K characters longer is a tie. */
const marginLevel = (level: Level, own: string, other: string): number =>
  wildBenchScore([{ level, length: length(own), baselineLength: length(other) }]) / 100;

/** As Python counts: in code points. */
const length = (text: string): number => Array.from(text).length;

function row(name: string, rows: Rows, of: (rows: Rows) => number): ScoreRow[] {
  if (rows.length === 0) return [];
  const interval = bootstrap(rows.length, (drawn) => of(drawn.map((i) => rows[i]!)));
  return [{ name, ...interval, count: rows.length }];
}

/** -100 to 100. */
const reward = (rows: Rows): number => 100 * mean(rows.map(({ pair }) => pair!));

/** (s - 5) * 2 of the mean score, -8 to 10. */
const adjusted = (rows: Rows): number => (mean(rows.map(({ score }) => score!)) - 5) * 2;

/** The weighted mean over groups of tasks; the weights of all five count, also of one without tasks. */
function macro(rows: Rows, of: (rows: Rows) => number): number {
  const values = Object.entries(WEIGHTS).map(([group, weight]) => {
    const own = rows.filter(({ groups }) => groups.includes(group));
    return own.length > 0 ? weight * of(own) : 0;
  });
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  return sum(values) / sum(Object.values(WEIGHTS));
}

/** A field of the judge's JSON; if it is not JSON, the first text that looks like the field. */
export function judgedField(judgment: string, key: string): unknown {
  const parsed = parseBounded(judgment.trim());
  if (typeof parsed === 'object' && parsed !== null) return (parsed as JsonRow)[key];
  return (
    new RegExp(`"${key}"\\s*:\\s*"([^"]*?)"`).exec(judgment)?.[1] ??
    new RegExp(`"${key}"\\s*:\\s*"(.*?)"`, 's').exec(judgment)?.[1]
  );
}

function judgedScore(judgment: string): number | null {
  const field = judgedField(judgment, 'score');
  const value = typeof field === 'string' ? Number(field.trim() || NaN) : field;
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

const LEVELS: Readonly<Record<string, Level>> = {
  'A++': 1,
  'A+': 0.5,
  'A=B': 0,
  'B+': -0.5,
  'B++': -1,
};

function judgedLevel(judgment: string, first: boolean): Level | null {
  const level = LEVELS[String(judgedField(judgment, 'choice'))];
  if (level === undefined) return null;
  return first || level === 0 ? level : (-level as Level);
}

function taskOf(
  task: JsonRow,
  place: string,
  templates: WildBenchData['templates'],
): Item<WildBenchData> {
  const messages = rowsField(task, 'conversation_input', place);
  const { checklist, secondary_tags: more } = task;
  if (!Array.isArray(checklist) || messages.length === 0) {
    throw new BenchmarkDataError(
      `${place} has no conversation_input or checklist; check that it is WildBench's v2.`,
    );
  }
  const turns = messages.map((message): ChatMessage => ({
    role: message['role'] === 'assistant' ? 'assistant' : 'user',
    content: textField(message, 'content', place),
  }));
  const before = turns.slice(0, -1);
  const id = typeof task['id'] === 'string' ? task['id'] : textField(task, 'session_id', place);
  const tags = [task['primary_tag'], ...(Array.isArray(more) ? (more as unknown[]) : [])];
  const [reference] = Object.values((task['references'] as JsonRow | undefined) ?? {}).flat();
  return {
    id,
    before,
    turns: [turns.at(-1)!.content],
    ...(typeof reference === 'string' && { reference }),
    data: {
      history: before
        .map(({ role, content }) => `${role === 'user' ? 'USER' : 'ASSISTANT'}: ${content}\n\n`)
        .join(''),
      query: turns.at(-1)!.content,
      checklist: checklist.map(String),
      groups: [...new Set(tags.flatMap((tag) => GROUPS[String(tag)] ?? []))],
      templates,
      first: new Random(0, id).below(2) === 0,
    },
  };
}

/** As `shorten` in src/eval.py: words are what single spaces separate. */
function shorten(text: string, mostWords: number): string {
  const words = text.split(' ');
  return words.length > mostWords ? `${words.slice(0, mostWords).join(' ')}... (truncated)` : text;
}
