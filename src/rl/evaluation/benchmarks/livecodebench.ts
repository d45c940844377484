/**
 * LiveCodeBench's code generation (Jain et al. 2024, arXiv 2403.07974): the prompt, the program in a
 * response, the hidden tests, and pass@k, as in the makers' repository at commit 28fef95
 * (lcb_runner/prompts/code_generation.py, utils/extraction_utils.py, benchmarks/code_generation.py and
 * evaluation/pass_k_utils.py). Running a program needs Python, which the caller brings.
 */
import { parseBounded } from '../../../model/json.ts';
import { BenchmarkDataError, type Item, type RuleBenchmark } from './benchmark.ts';
import { inflate, pickledString } from './packed-tests.ts';
import { asRow, meanRow, rowsOfLines, textField, type JsonRow } from './rows.ts';

/** The tests of a problem; `function` is null if programs read standard input. */
export interface ProblemTests {
  inputs: string[];
  outputs: string[];
  function: string | null;
}

/** One entry a test, up to the first that fails: true is right; all else is wrong. */
export type TestVerdicts = readonly (boolean | number)[];

export type ProgramRunner = (
  task: ProblemTests & { code: string },
) => Promise<TestVerdicts> | TestVerdicts;

export interface Problem {
  publicTests: string;
  /**
   * JSON, or base64 of zlib of a pickled string of JSON; unpacked only when a program runs. As bytes in UTF-8,
   * because those of all problems together may be larger than JavaScript's heap.
   */
  privateTests: Uint8Array;
  function: string | null;
}

const SYSTEM =
  'You are an expert Python programmer. You will be given a question (problem specification) and will generate a correct Python program that matches the specification and passes all tests.';
const WITH_STARTER =
  'You will use the following starter code to write the solution to the problem and enclose your code within delimiters.';
const WITHOUT_STARTER =
  'Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on the sample inputs). Enclose your code within delimiters as follows. Ensure that when the python program runs, it reads the inputs, runs the algorithm and writes output to STDOUT.';

export function problemPrompt(question: string, starter: string): string {
  const format = starter
    ? `### Format: ${WITH_STARTER}\n\`\`\`python\n${starter}\n\`\`\`\n\n`
    : `### Format: ${WITHOUT_STARTER}\n\`\`\`python\n# YOUR CODE HERE\n\`\`\`\n\n`;
  return `### Question:\n${question}\n\n${format}### Answer: (use the provided format with backticks)\n\n`;
}

/** The text between the last two lines that have a fence; empty if there are fewer than two. */
export function extractCode(response: string): string {
  const lines = response.split('\n');
  const fences = lines.flatMap((line, i) => (line.includes('```') ? [i] : []));
  if (fences.length < 2) return '';
  return lines.slice(fences.at(-2)! + 1, fences.at(-1)).join('\n');
}

/** Public tests, then private ones. @throws BenchmarkDataError with the place of the problem */
export async function problemTests(problem: Problem, place: string): Promise<ProblemTests> {
  const own = new TextDecoder().decode(problem.privateTests);
  const unpacked = parseBounded(own) === undefined ? await unpack(own, place) : own;
  const tests = [...testsOf(problem.publicTests, place), ...testsOf(unpacked, place)];
  return {
    inputs: tests.map(({ input }) => input),
    outputs: tests.map(({ output }) => output),
    function: problem.function,
  };
}

function testsOf(json: string, place: string): { input: string; output: string }[] {
  const rows = parseBounded(json);
  if (!Array.isArray(rows)) {
    throw new BenchmarkDataError(`${place}: its tests are not JSON; download the file again.`);
  }
  return rows.map((value) => {
    const row = asRow(value, `${place}: a test`);
    return { input: textField(row, 'input', place), output: textField(row, 'output', place) };
  });
}

async function unpack(packed: string, place: string): Promise<string> {
  try {
    return pickledString(await inflate(packed));
  } catch (error) {
    if (!(error instanceof BenchmarkDataError)) throw error;
    throw new BenchmarkDataError(`${place}: ${error.message}`);
  }
}

/** A program is right if all tests ran and each gave a positive verdict. */
const passed = (verdicts: TestVerdicts): boolean =>
  verdicts.every((verdict) => Number(verdict) > 0);

/** pass@k = 1 - C(n-c, k) / C(n, k), for c right programs of n (Chen et al. 2021, arXiv 2107.03374). */
export function passAtK(n: number, c: number, k: number): number {
  if (n - c < k) return 1;
  let wrong = 1;
  for (let i = n - c + 1; i <= n; i++) wrong *= 1 - k / i;
  return 1 - wrong;
}

const QUESTIONS = 'test.jsonl';
/** The original samples ten programs a problem and reports pass@1 and pass@5. */
const KS = [1, 5, 10] as const;

/** @param samples programs a problem; the original asks for ten */
export function livecodebench(
  run: ProgramRunner,
  samples = 1,
): RuleBenchmark<Problem, TestVerdicts> {
  return {
    name: 'livecodebench',
    title: 'LiveCodeBench',
    by: 'rule',
    files: [
      {
        name: QUESTIONS,
        holds:
          'problems with public and private tests (test.jsonl to test6.jsonl, joined as you like)',
        from: 'https://huggingface.co/datasets/livecodebench/code_generation_lite',
        large: true,
      },
    ],
    items(_, { [QUESTIONS]: lines = [] } = {}) {
      const items: Item<Problem>[] = [];
      for (const row of rowsOfLines(lines, QUESTIONS)) {
        items.push(...itemsOf(row, `${QUESTIONS}, row ${items.length / samples + 1}`, samples));
      }
      return items;
    },
    async verdict({ data, question }, [response]) {
      const tests = await problemTests(data, `${QUESTIONS}, problem ${question!}`);
      return run({ ...tests, code: extractCode(response!) });
    },
    score(rows) {
      const problems = new Map<string, boolean[]>();
      for (const { item, verdict } of rows) {
        const id = item.question ?? item.id;
        problems.set(id, [...(problems.get(id) ?? []), passed(verdict)]);
      }
      const fewest = Math.min(...[...problems.values()].map((programs) => programs.length));
      return KS.filter((k) => k <= fewest).map((k) => {
        const values = [...problems].map(([question, programs]) => ({
          question,
          value: passAtK(programs.length, programs.filter(Boolean).length, k),
        }));
        return { ...meanRow(`pass@${k}`, values, 100), ...(k === 1 && { main: true as const }) };
      });
    },
  };
}

function itemsOf(row: JsonRow, place: string, samples: number): Item<Problem>[] {
  const id = textField(row, 'question_id', place);
  const question = textField(row, 'question_content', place);
  const metadata = parseBounded(textField(row, 'metadata', place));
  const name = (metadata as JsonRow | undefined)?.['func_name'];
  const publicTests = textField(row, 'public_test_cases', place);
  // The private ones take long to unpack; these show before the model is asked that the file is in order.
  testsOf(publicTests, place);
  const data = {
    publicTests,
    privateTests: new TextEncoder().encode(textField(row, 'private_test_cases', place)),
    function: typeof name === 'string' ? name : null,
  };
  return Array.from({ length: samples }, (_, i) => ({
    id: `${id}-${i + 1}`,
    question: id,
    before: [{ role: 'system', content: SYSTEM }],
    turns: [problemPrompt(question, textField(row, 'starter_code', place))],
    data,
  }));
}
