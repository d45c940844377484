/**
 * What a benchmark is: the files that the user brings, the questions in them, how an answer is judged,
 * and how verdicts become scores. A benchmark is pure: it asks no model, reads no file and talks to no
 * server. The command `ponder benchmark` does that, and keeps answers and judgments in files.
 */
import type { ChatMessage } from '../../../model/tokenizer.ts';
import type { Interval } from '../intervals.ts';

/** A file that the user brings, because its makers publish it and Ponder does not. */
interface DataFile {
  /** Its name at its makers, for example input_data.jsonl. */
  name: string;
  /** What it has, for the message when it is missing: "the 541 prompts". */
  holds: string;
  /** The address where its makers publish it. */
  from: string;
  /** The benchmark can be scored without it. */
  optional?: true;
  /** JSONL that may be longer than the longest string: it is given line by line. */
  large?: true;
}

/** The texts of the files by name; an optional file may be missing. */
export type DataTexts = Readonly<Partial<Record<string, string>>>;

/** The lines of the large files by name. */
export type DataLines = Readonly<Partial<Record<string, Iterable<string>>>>;

/** One question to the model, which gives one answer. */
export interface Item<Data = unknown> {
  /** Unique in the benchmark. */
  id: string;
  /** Items with the same question (repeats) are one draw of the interval; by default the id. */
  question?: string;
  /** The conversation before the first turn. */
  before?: readonly ChatMessage[];
  /** The user's turns: the model answers each, and sees the turns and answers before it. */
  turns: readonly string[];
  /** The baseline's answer, with which a reward model compares the model's own. */
  reference?: string;
  data: Data;
}

/** A question to a judge that writes text. */
export interface JudgeRequest {
  messages: readonly ChatMessage[];
  temperature: number;
  maxTokens: number;
  /** Texts of which the judge's log-probabilities as its first token are asked for (AlpacaEval). */
  choices?: readonly string[];
}

export interface Judgment {
  text: string;
  /** Natural log-probabilities of likely first tokens, if the request had choices. */
  logprobs?: Readonly<Record<string, number>>;
}

/** An item with the model's responses, one for each turn, and the verdict on them. */
export interface Scored<Data = unknown, Verdict = unknown> {
  item: Item<Data>;
  responses: readonly string[];
  verdict: Verdict;
}

/** One line of the table of scores. */
export interface ScoreRow extends Interval {
  /** For example "prompt_strict", as the original names it; a variant says whose it is. */
  name: string;
  /** How many questions, or battles, the value is a mean of. */
  count: number;
  /** The score that the benchmark is known by: one row has it. */
  main?: true;
}

interface Common<Data, Verdict> {
  /** As on the command line. */
  name: string;
  /** As its makers write it. */
  title: string;
  files: readonly DataFile[];
  /** How its makers sample, where this differs from the paper. */
  sampling?: { top_p: number; min_p: number };
  /** What the numbers do not say, in a sentence for people. */
  remark?: string;
  /** @throws BenchmarkDataError if the files do not have what they should */
  items(files: DataTexts, large?: DataLines): Item<Data>[];
  /** `rows` has at least one row. Seeded: the same rows give the same scores. */
  score(rows: readonly Scored<Data, Verdict>[]): ScoreRow[];
}

/** Judged by a rule; the verdict is JSON and is kept, because some rules take long. */
export interface RuleBenchmark<Data = unknown, Verdict = unknown> extends Common<Data, Verdict> {
  by: 'rule';
  verdict(item: Item<Data>, responses: readonly string[]): Verdict | Promise<Verdict>;
}

/** Judged by a model that writes text; the judgments are kept, and verdicts are read from them again. */
export interface JudgedBenchmark<Data = unknown, Verdict = unknown> extends Common<Data, Verdict> {
  by: 'judge';
  requests(item: Item<Data>, responses: readonly string[]): JudgeRequest[];
  /** One judgment for each request, in order. */
  verdict(item: Item<Data>, responses: readonly string[], judgments: readonly Judgment[]): Verdict;
}

export type Benchmark<Data = unknown, Verdict = unknown> =
  RuleBenchmark<Data, Verdict> | JudgedBenchmark<Data, Verdict>;

/** A benchmark's file that cannot be read; the message says where and what to do. */
export class BenchmarkDataError extends Error {
  override name = 'BenchmarkDataError';
}
