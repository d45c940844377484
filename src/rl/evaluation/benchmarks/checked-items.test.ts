/** Files of benchmarks that are damaged, or of another kind, are refused in a sentence before anything is asked. */
import { expect, it } from 'vitest';
import { alpacaEval } from './alpaca-eval.ts';
import { arenaHard } from './arena-hard.ts';
import { BenchmarkDataError, type Benchmark, type DataTexts } from './benchmark.ts';
import { checkedItems } from './checked-items.ts';
import { creativeWriting } from './creative-writing.ts';
import { livecodebench } from './livecodebench.ts';
import { mtBench } from './mt-bench.ts';
import { wildBench } from './wildbench.ts';

const lines = (...rows: object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');

const QUESTION = { question_id: 81, category: 'math', turns: ['Name a fruit.', 'Another.'] };
const PROMPTS = ['single-math-v1', 'single-math-v1-multi-turn'].map((name, i) => ({
  ...{ name, system_prompt: 'You judge.' },
  prompt_template: i ? '{question_2} {answer_1} {answer_2}' : '{question} {answer} {ref_answer_2}',
}));
const BASELINE = {
  uid: 'a',
  messages: [{ role: 'assistant', content: { answer: 'A fig.' } }],
};
const TASK = {
  ...{ id: 'w', checklist: ['Is it a fruit?'], primary_tag: 'Math', references: { own: 'A fig.' } },
  conversation_input: [{ role: 'user', content: 'Name a fruit.' }],
};
const PROBLEM = {
  ...{ question_id: 'p', question_content: 'Add.', starter_code: '', metadata: '{}' },
  ...{ public_test_cases: '[]', private_test_cases: '[]' },
};

/** Files of one question that are in order. */
const FILES: readonly [benchmark: unknown, files: DataTexts][] = [
  [
    mtBench,
    {
      'question.jsonl': lines(QUESTION),
      'judge_prompts.jsonl': lines(...PROMPTS),
      'gpt-4.jsonl': lines({ question_id: 81, choices: [{ turns: ['a', 'b'] }] }),
    },
  ],
  [
    creativeWriting,
    {
      'creative_writing_prompts_v3.json':
        '{"1": {"writing_prompt": "Write about <SEED>.", "seed_modifiers": ["rain"]}}',
      'creative_writing_judging_prompt.txt': '{writing_prompt} {test_model_response}',
      'creative_writing_criteria.txt': 'Flow',
      'negative_criteria.txt': '',
    },
  ],
  [
    wildBench,
    {
      'v2.json': JSON.stringify([TASK]),
      'eval_template.score.v2.md': '{$user_query} {$model_output}',
      'eval_template.pairwise.v2.md': '{$candidate_A} {$candidate_B}',
    },
  ],
  [
    arenaHard,
    {
      'question.jsonl': lines({ uid: 'a', category: 'hard_prompt', prompt: 'Name a fruit.' }),
      'o3-mini-2025-01-31.jsonl': lines(BASELINE),
      'gemini-2.0-flash-001.jsonl': lines(BASELINE),
    },
  ],
  [
    alpacaEval,
    {
      'alpaca_eval_gpt4_baseline.json': '[{"instruction": "Name a fruit.", "output": "A fig."}]',
      'alpaca_eval_clf.txt': '<|im_start|>user\n{instruction} {output_1} {output_2}<|im_end|>\n',
    },
  ],
  [livecodebench(() => []), { 'test.jsonl': lines(PROBLEM) }],
];

function itemsWith(name: string, changed: Record<string, string> = {}): number {
  const [benchmark, files] = FILES.find(([one]) => (one as Benchmark).name === name)!;
  const texts = { ...files, ...changed };
  const large = { 'test.jsonl': texts['test.jsonl']?.split('\n') ?? [] };
  return checkedItems(benchmark as Benchmark, texts, large).length;
}

it.each([
  ['mt-bench', 1],
  ['creative-writing', 3],
  ['wildbench', 1],
  ['arena-hard', 1],
  ['alpaca-eval', 1],
  ['livecodebench', 1],
])('takes files of %s that are in order', (name, count) => {
  expect(itemsWith(name)).toBe(count);
});

const HTML = '<!doctype html><title>404</title>';
it.each<[name: string, file: string, text: string, message: RegExp]>([
  ['mt-bench', 'question.jsonl', lines(QUESTION, QUESTION), /two questions with the id 81; remove/],
  ['mt-bench', 'question.jsonl', lines({ ...QUESTION, turns: [] }), /no text in the question 81/],
  [
    'mt-bench',
    'gpt-4.jsonl',
    lines({ question_id: 81, choices: [{ turns: ['a'] }] }),
    /asks for \{ref_answer_2\}, which is not there/,
  ],
  [
    'mt-bench',
    'judge_prompts.jsonl',
    lines(PROMPTS[0]!, { ...PROMPTS[1], prompt_template: 'Rate it.' }),
    /without a place for the answer/,
  ],
  ['creative-writing', 'creative_writing_prompts_v3.json', '{}', /no question/],
  ['creative-writing', 'creative_writing_prompts_v3.json', '{"1": null}', /prompt 1 is not a JSON/],
  ['creative-writing', 'creative_writing_judging_prompt.txt', HTML, /without a place/],
  [
    'wildbench',
    'v2.json',
    JSON.stringify([{ ...TASK, conversation_input: [null] }]),
    /task 1: an entry of "conversation_input" is not/,
  ],
  ['wildbench', 'eval_template.score.v2.md', HTML, /without a place/],
  ['wildbench', 'eval_template.pairwise.v2.md', HTML, /without a place/],
  ['arena-hard', 'question.jsonl', HTML, /row 1 is not a JSON object/],
  [
    'arena-hard',
    'o3-mini-2025-01-31.jsonl',
    lines({ uid: 'a', messages: 3 }),
    /row 1 has no list "messages"/,
  ],
  [
    'arena-hard',
    'o3-mini-2025-01-31.jsonl',
    lines({ uid: 'a', messages: [{ role: 'assistant', content: null }] }),
    /the content of the last message is not a JSON object/,
  ],
  ['alpaca-eval', 'alpaca_eval_clf.txt', HTML, /does not ask in ChatML/],
  ['livecodebench', 'test.jsonl', lines(PROBLEM, PROBLEM), /two questions with the id p-1/],
  ['livecodebench', 'test.jsonl', '\n', /test.jsonl is empty/],
  [
    'livecodebench',
    'test.jsonl',
    lines({ ...PROBLEM, public_test_cases: '' }),
    /test.jsonl, row 1: its tests are not JSON; download/,
  ],
  [
    'livecodebench',
    'test.jsonl',
    lines({ ...PROBLEM, public_test_cases: '[3]' }),
    /test.jsonl, row 1: a test is not a JSON object/,
  ],
])('refuses %s with another %s', (name, file, text, message) => {
  expect(() => itemsWith(name, { [file]: text })).toThrow(BenchmarkDataError);
  expect(() => itemsWith(name, { [file]: text })).toThrow(message);
});

it('takes a task without a list of further tags', () => {
  const task = JSON.stringify([{ ...TASK, secondary_tags: null }]);
  expect(itemsWith('wildbench', { 'v2.json': task })).toBe(1);
});
