/** Judges the answers to a benchmark, keeps what was judged, and scores. */
import { join } from 'node:path';
import type {
  Benchmark,
  Item,
  JudgedBenchmark,
  JudgeRequest,
  Judgment,
  RuleBenchmark,
  ScoreRow,
} from '../rl/evaluation/benchmarks/benchmark.ts';
import { rewardRows, type RewardedAnswer } from '../rl/evaluation/benchmarks/reward-rows.ts';
import { conversationPrompt } from '../rl/data/conversation.ts';
import type { AnswerRow } from './benchmark-answers.ts';
import { Rows } from './benchmark-files.ts';
import type { Judge, RewardJudge, TextJudge } from './benchmark-judges.ts';

const FILE = 'judgments.jsonl';

/** Reports how many of all steps are done; `total` may differ from the number of items. */
type OnProgress = (done: number, total: number) => void;

/** The rows of the table; undefined if the benchmark needs a judge, and there is none. */
export async function scoresOf(
  benchmark: Benchmark,
  items: readonly Item[],
  answers: readonly AnswerRow[],
  judge: Judge | undefined,
  folder: string,
  onProgress: OnProgress,
): Promise<ScoreRow[] | undefined> {
  if (benchmark.by === 'rule') return byRule(benchmark, items, answers, folder, onProgress);
  if (!judge) return undefined;
  return judge.kind === 'reward'
    ? byReward(items, answers, judge, folder, onProgress)
    : byText(benchmark, items, answers, judge, folder, onProgress);
}

async function byRule(
  benchmark: RuleBenchmark,
  items: readonly Item[],
  answers: readonly AnswerRow[],
  folder: string,
  onProgress: OnProgress,
): Promise<ScoreRow[]> {
  const kept = await Rows.open<{ id: string; verdict: unknown }>(join(folder, FILE));
  const done = new Map(kept.rows.map((row) => [row.id, row]));
  for (const [i, item] of items.entries()) {
    if (!done.has(item.id)) {
      const row = { id: item.id, verdict: await benchmark.verdict(item, answers[i]!.responses) };
      await kept.add([row]);
      done.set(item.id, row);
    }
    onProgress(i + 1, items.length);
  }
  return benchmark.score(
    items.map((item, i) => ({
      ...{ item, responses: answers[i]!.responses, verdict: done.get(item.id)!.verdict },
    })),
  );
}

/** Answers that are rewarded at once. */
const REWARDED = 8;

async function byReward(
  items: readonly Item[],
  answers: readonly AnswerRow[],
  { reward }: RewardJudge,
  folder: string,
  onProgress: OnProgress,
): Promise<ScoreRow[]> {
  const kept = await Rows.open<{ id: string; reward: number; reference?: number }>(
    join(folder, FILE),
  );
  const done = new Map(kept.rows.map((row) => [row.id, row]));
  for (let first = 0; first < items.length; first += REWARDED) {
    const group = items
      .slice(first, first + REWARDED)
      .map((item, k) => ({ item, responses: answers[first + k]!.responses }))
      .filter(({ item }) => !done.has(item.id));
    const own = await reward.score(
      group.map(({ item, responses }) => ({
        prompt: lastPrompt(item, responses),
        response: responses.at(-1)!,
      })),
    );
    const compared = group.filter(({ item }) => item.reference !== undefined);
    const theirs = await reward.score(
      compared.map(({ item, responses }) => ({
        prompt: lastPrompt(item, responses),
        response: item.reference!,
      })),
    );
    const rows = group.map((one, k) => {
      const at = compared.indexOf(one);
      return { id: one.item.id, reward: own[k]!, ...(at >= 0 && { reference: theirs[at]! }) };
    });
    await kept.add(rows);
    for (const row of rows) done.set(row.id, row);
    onProgress(Math.min(items.length, first + REWARDED), items.length);
  }
  return rewardRows(
    items.map((item, i): RewardedAnswer => {
      const { reward: own, reference } = done.get(item.id)!;
      return {
        ...{ question: item.question ?? item.id, response: answers[i]!.responses.at(-1)! },
        reward: own,
        ...(reference !== undefined &&
          item.reference !== undefined && {
            reference: { response: item.reference, reward: reference },
          }),
      };
    }),
  );
}

/** The conversation that the last response answers. */
function lastPrompt({ before = [], turns }: Item, responses: readonly string[]): string {
  return conversationPrompt([
    ...before,
    ...turns.flatMap((content, i) => [
      { role: 'user' as const, content },
      ...(i < turns.length - 1 ? [{ role: 'assistant' as const, content: responses[i]! }] : []),
    ]),
  ]);
}

interface JudgmentRow extends Judgment {
  id: string;
  /** Which of the item's requests, from 0. */
  request: number;
}

async function byText(
  benchmark: JudgedBenchmark,
  items: readonly Item[],
  answers: readonly AnswerRow[],
  judge: TextJudge,
  folder: string,
  onProgress: OnProgress,
): Promise<ScoreRow[]> {
  const kept = await Rows.open<JudgmentRow>(join(folder, FILE));
  const key = (id: string, request: number): string => JSON.stringify([id, request]);
  const done = new Map(kept.rows.map((row) => [key(row.id, row.request), row]));
  const longest = judge.longest ?? Infinity;
  const requests = items.map((item, i) =>
    benchmark
      .requests(item, answers[i]!.responses)
      .map((own) => ({ ...own, maxTokens: Math.min(own.maxTokens, longest) })),
  );
  const all = items.flatMap(({ id }, i) => requests[i]!.map((request, k) => ({ id, k, request })));
  const open = all.filter(({ id, k }) => !done.has(key(id, k)));
  if (open.length > 0)
    announce(
      open.map(({ request }) => request),
      judge,
    );
  let asked = all.length - open.length;
  await inParallel(judge.parallel, open, async ({ id, k, request }) => {
    const row: JudgmentRow = { id, request: k, ...(await judge.ask(request)) };
    await kept.add([row]);
    done.set(key(id, k), row);
    onProgress(++asked, all.length);
  });
  return benchmark.score(
    items.map((item, i) => {
      const { responses } = answers[i]!;
      const judgments = requests[i]!.map((_, k) => done.get(key(item.id, k))!);
      return { item, responses, verdict: benchmark.verdict(item, responses, judgments) };
    }),
  );
}

/** About four characters of English are one token. */
const CHARACTERS_PER_TOKEN = 4;

/** Says before the first request what all of them will cost in tokens. */
function announce(requests: readonly JudgeRequest[], { name }: TextJudge): void {
  const read = requests.reduce(
    (sum, { messages }) => sum + messages.reduce((own, { content }) => own + content.length, 0),
    0,
  );
  const written = requests.reduce((sum, { maxTokens }) => sum + maxTokens, 0);
  process.stderr.write(
    `${name} is asked ${requests.length} times: it reads about ${Math.ceil(read / CHARACTERS_PER_TOKEN)} ` +
      `tokens, and writes at most ${written}\n`,
  );
}

/** Runs `work` on all values, so many at once; after an error it starts no more, and waits for the rest. */
async function inParallel<T>(
  count: number,
  values: readonly T[],
  work: (value: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < values.length && !failed) {
      try {
        await work(values[next++]!);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: count }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
