/**
 * MT-Bench (Zheng et al. 2023, arXiv 2306.05685): a judge grades each of two answers from 1 to 10, as in
 * FastChat's fastchat/llm_judge at commit 0e6d3e4 (common.py, gen_judgment.py, show_result.py). The judge's
 * prompts are read from the makers' file.
 */
import { BenchmarkDataError, type JudgeRequest, type JudgedBenchmark } from './benchmark.ts';
import { jsonRows, meanRow, textField, type JsonRow } from './rows.ts';
import { pythonFormat } from './templates.ts';

const QUESTIONS = 'question.jsonl';
const PROMPTS = 'judge_prompts.jsonl';
const REFERENCES = 'gpt-4.jsonl';
const FROM = 'https://github.com/lm-sys/FastChat (fastchat/llm_judge/data';
const WITH_REFERENCE = ['math', 'reasoning', 'coding'];

interface JudgePrompt {
  system: string;
  template: string;
}

interface MtBenchData {
  /** Of the first turn, and of both. */
  prompts: readonly [JudgePrompt, JudgePrompt];
  references: readonly string[] | null;
}

export const mtBench: JudgedBenchmark<MtBenchData, (number | null)[]> = {
  name: 'mt-bench',
  title: 'MT-Bench',
  by: 'judge',
  files: [
    { name: QUESTIONS, holds: 'the 80 questions', from: `${FROM}/mt_bench)` },
    { name: PROMPTS, holds: "the judge's prompts", from: `${FROM})` },
    {
      name: REFERENCES,
      holds: 'the reference answers',
      from: `${FROM}/mt_bench/reference_answer)`,
    },
  ],
  items(files) {
    const prompts = new Map(
      jsonRows(files[PROMPTS]!, PROMPTS).map((row): [string, JudgePrompt] => [
        textField(row, 'name', PROMPTS),
        {
          system: textField(row, 'system_prompt', PROMPTS),
          template: textField(row, 'prompt_template', PROMPTS),
        },
      ]),
    );
    const prompt = (name: string): JudgePrompt => {
      const found = prompts.get(name);
      if (found) return found;
      throw new BenchmarkDataError(`${PROMPTS} has no prompt "${name}"; download it again.`);
    };
    const references = new Map(
      jsonRows(files[REFERENCES]!, REFERENCES).map((row) => [row['question_id'], answerTurns(row)]),
    );
    return jsonRows(files[QUESTIONS]!, QUESTIONS).map((row, i) => {
      const place = `${QUESTIONS}, row ${i + 1}`;
      const asReference = WITH_REFERENCE.includes(textField(row, 'category', place));
      const kind = asReference ? 'single-math-v1' : 'single-v1';
      const reference = asReference ? references.get(row['question_id']) : null;
      if (reference === undefined) {
        throw new BenchmarkDataError(
          `${REFERENCES} has no answer to question ${String(row['question_id'])}; download it again.`,
        );
      }
      return {
        id: String(row['question_id']),
        turns: texts(row['turns'], place),
        data: { prompts: [prompt(kind), prompt(`${kind}-multi-turn`)], references: reference },
      };
    });
  },
  requests({ turns, data }, responses) {
    const { prompts, references } = data;
    const [first, both] = prompts;
    const request = (
      { system, template }: JudgePrompt,
      values: Record<string, string>,
    ): JudgeRequest => ({
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: pythonFormat(template, values) },
      ],
      temperature: 0,
      maxTokens: 2048,
    });
    const reference = Object.fromEntries(
      (references ?? []).map((text, i) => [`ref_answer_${i + 1}`, text]),
    );
    const one = request(first, { question: turns[0]!, answer: responses[0]!, ...reference });
    if (turns.length !== 2) return [one];
    return [
      one,
      request(both, {
        question_1: turns[0]!,
        question_2: turns[1]!,
        answer_1: responses[0]!,
        answer_2: responses[1]!,
        ...reference,
      }),
    ];
  },
  verdict: (_, __, judgments) => judgments.map(({ text }) => rating(text)),
  score(rows) {
    const grades = rows.flatMap(({ item, verdict }) =>
      verdict.flatMap((value, turn) =>
        value === null ? [] : [{ question: item.id, turn, value }],
      ),
    );
    const row = (name: string, turns: readonly number[]) => {
      const values = grades.filter(({ turn }) => turns.includes(turn));
      return values.length ? [meanRow(name, values)] : [];
    };
    return [
      ...row('average', [0, 1]).map((found) => ({ ...found, main: true as const })),
      ...row('first_turn', [0]),
      ...row('second_turn', [1]),
    ];
  },
};

/** The number in the first `[[...]]`, else in the first `[...]`; null without one (the original's -1). */
export function rating(judgment: string): number | null {
  const found = /\[\[(\d+\.?\d*)\]\]/.exec(judgment) ?? /\[(\d+\.?\d*)\]/.exec(judgment);
  return found ? Number(found[1]) : null;
}

function texts(value: unknown, place: string): string[] {
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value;
  throw new BenchmarkDataError(`${place} has no list of texts "turns"; download the file again.`);
}

function answerTurns(row: JsonRow): string[] {
  const [choice] = Array.isArray(row['choices']) ? (row['choices'] as JsonRow[]) : [];
  return texts(choice?.['turns'], REFERENCES);
}
