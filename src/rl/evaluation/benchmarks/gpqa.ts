/**
 * GPQA Diamond (Rein et al. 2023, arXiv 2311.12022), as OpenAI's simple-evals asks and scores it
 * (gpqa_eval.py, common.py): 198 questions with four choices, four times each, every time in an order
 * drawn by Python's Random(0); the answer is the first letter after "Answer:".
 */
import { BenchmarkDataError, type RuleBenchmark } from './benchmark.ts';
import { readCsv } from './csv.ts';
import { PythonRandom } from '../python-random.ts';
import { meanRow } from './rows.ts';

const FILE = 'gpqa_diamond.csv';
const REPEATS = 4;
const LETTERS = ['A', 'B', 'C', 'D'] as const;
const COLUMNS = [
  'Correct Answer',
  'Incorrect Answer 1',
  'Incorrect Answer 2',
  'Incorrect Answer 3',
] as const;

export const gpqa: RuleBenchmark<string, boolean> = {
  name: 'gpqa',
  title: 'GPQA Diamond',
  files: [
    {
      name: FILE,
      holds: 'the 198 questions',
      from: 'https://github.com/idavidrein/gpqa (in dataset.zip)',
    },
  ],
  by: 'rule',
  items(files) {
    const questions = readCsv(files[FILE]!, FILE, 'questions');
    const random = new PythonRandom(0);
    return Array.from({ length: REPEATS }, (_, repeat) => repeat).flatMap((repeat) =>
      questions.map((row, i) => {
        const own = COLUMNS.map((column) => cell(row, column, i));
        const choices = random.permutation(LETTERS.length).map((k) => own[k]!);
        return {
          id: `${i}/${repeat}`,
          question: String(i),
          turns: [multipleChoice(cell(row, 'Question', i), choices)],
          // As in Python's list.index, the first choice if two have the same text.
          data: LETTERS[choices.indexOf(own[0]!)]!,
        };
      }),
    );
  },
  verdict: ({ data }, [response = '']) => chosenLetter(response) === data,
  score: (rows) => [
    {
      ...meanRow(
        'accuracy',
        rows.map(({ item, verdict }) => ({ question: item.question!, value: verdict ? 1 : 0 })),
        100,
      ),
      main: true,
    },
  ],
};

/**
 * The letter as it was written; a small letter is not one of the four, as in simple-evals. undefined
 * without an answer.
 */
export function chosenLetter(response: string): string | undefined {
  return /Answer[ \t]*:[ \t]*\$?([A-D])\$?/iu.exec(response)?.[1];
}

function multipleChoice(question: string, choices: readonly string[]): string {
  return (
    "Answer the following multiple choice question. The last line of your response should be of the following format: 'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. Think step by step before answering.\n\n" +
    `${question}\n\n${choices.map((choice, i) => `${LETTERS[i]!}) ${choice}`).join('\n')}`
  );
}

function cell(row: Readonly<Record<string, string>>, column: string, i: number): string {
  const value = row[column];
  if (value !== undefined) return value;
  throw new BenchmarkDataError(
    `${FILE}, question ${i + 1} has no column "${column}"; use the file of GPQA Diamond.`,
  );
}
