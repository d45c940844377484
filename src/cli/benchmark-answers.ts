/**
 * Asks the model the items of a benchmark. Items are asked in fixed groups, each with random streams by its
 * place, so a run that was killed and goes on writes the rows of one that was not.
 */
import type { LanguageModel } from '../model/language-model.ts';
import type { ChatMessage, Tokenizer } from '../model/tokenizer.ts';
import { conversationPrompt } from '../rl/data/conversation.ts';
import type { Item } from '../rl/evaluation/benchmarks/benchmark.ts';
import { tokenizePrompts, type RolloutOptions } from '../rl/rollout/rollout.ts';
import { sampleCompletions } from '../rl/rollout/sample.ts';
import type { Rows } from './benchmark-files.ts';

/** A row of answers.jsonl. */
export interface AnswerRow {
  id: string;
  /** One for each turn, without the thought. */
  responses: string[];
  thoughts: (string | null)[];
  /** Tokens of the completion of each turn, thought included. */
  tokens: number[];
  /** Turns that were cut at the longest completion. */
  truncated: boolean[];
  /** The prompt and the longest completion do not fit the model's context: the answer is empty. */
  too_long?: true;
}

interface Asked {
  model: LanguageModel;
  tokenizer: Tokenizer;
  options: RolloutOptions;
  /** Items that are asked at once. */
  batch: number;
}

/** The answers of all items, in order; those in `kept` are not asked again. */
export async function answersOf(
  items: readonly Item[],
  asked: Asked,
  kept: Rows<AnswerRow>,
  onProgress: (done: number) => void,
): Promise<AnswerRow[]> {
  const done = new Map(kept.rows.map((row) => [row.id, row]));
  for (let first = 0; first < items.length; first += asked.batch) {
    const group = items.slice(first, first + asked.batch);
    if (group.some(({ id }) => !done.has(id))) {
      const rows = await answersOfGroup(group, first, items.length, asked);
      const fresh = rows.filter(({ id }) => !done.has(id));
      await kept.add(fresh);
      for (const row of fresh) done.set(row.id, row);
    }
    onProgress(Math.min(items.length, first + group.length));
  }
  return items.map(({ id }) => done.get(id)!);
}

async function answersOfGroup(
  group: readonly Item[],
  first: number,
  count: number,
  asked: Asked,
): Promise<AnswerRow[]> {
  const rows = group.map(({ id }): AnswerRow => {
    return { id, responses: [], thoughts: [], tokens: [], truncated: [] };
  });
  const turns = Math.max(...group.map((item) => item.turns.length));
  for (let turn = 0; turn < turns; turn++) {
    const open = rows.flatMap((row, i) => (turn < group[i]!.turns.length ? [{ row, i }] : []));
    const prompts = open.map(({ row, i }) => promptOf(group[i]!, turn, row.responses));
    const written = await sample(prompts, turn * count + first, asked);
    open.forEach(({ row }, k) => {
      const { response, thought, tokens, truncated } = written[k] ?? EMPTY;
      if (!written[k]) row.too_long = true;
      row.responses.push(response);
      row.thoughts.push(thought);
      row.tokens.push(tokens);
      row.truncated.push(truncated);
    });
  }
  return rows;
}

const EMPTY = { response: '', thought: null, tokens: 0, truncated: false };

/** The conversation up to a turn of the user. */
function promptOf(
  { before = [], turns }: Item,
  turn: number,
  responses: readonly string[],
): string {
  const messages: ChatMessage[] = [...before];
  turns.slice(0, turn + 1).forEach((content, i) => {
    messages.push({ role: 'user', content });
    if (i < turn) messages.push({ role: 'assistant', content: responses[i]! });
  });
  return conversationPrompt(messages);
}

/** One completion of each prompt; undefined where it does not fit the model's context. */
async function sample(
  prompts: readonly string[],
  firstStream: number,
  { model, tokenizer, options }: Asked,
): Promise<
  (
    | typeof EMPTY
    | { thought: string | null; response: string; tokens: number; truncated: boolean }
    | undefined
  )[]
> {
  const longest = model.config.maxPositions - options.sampling.maxNewTokens;
  const fits = tokenizePrompts(tokenizer, prompts, options).map(
    ({ promptIds }) => promptIds.length <= longest,
  );
  const fitting = prompts.filter((_, i) => fits[i]);
  if (fitting.length === 0) return prompts.map(() => undefined);
  const groups = await sampleCompletions(
    ...([model, tokenizer, fitting, options, undefined, firstStream] as const),
  );
  const written = groups.map(({ samples: [sample] }) => ({
    ...{ thought: sample!.thought, response: sample!.response },
    ...{ tokens: sample!.ids.length, truncated: !sample!.finished },
  }));
  return fits.map((fit) => (fit ? written.shift() : undefined));
}
