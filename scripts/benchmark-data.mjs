// node scripts/benchmark-data.mjs CLONES OUT: a folder of small data for `ponder benchmark all --data OUT`.
// Files that the makers publish in repositories come from clones of these in the folder CLONES; nothing of
// them is in this repository:
//   https://github.com/lm-sys/FastChat, https://github.com/EQ-bench/creative-writing-bench,
//   https://github.com/allenai/WildBench
// The questions of IFEval, GPQA, WildBench, Arena-Hard, AlpacaEval and LiveCodeBench are Ponder's own, in the
// makers' formats, and so is the judge's prompt of AlpacaEval: their numbers are numbers of no benchmark.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const [clones, out] = process.argv.slice(2);
if (clones === undefined || out === undefined) {
  console.error('usage: node scripts/benchmark-data.mjs CLONES OUT');
  process.exit(1);
}

const QUESTIONS = [
  {
    ask: 'Name three fruits and say when each is ripe.',
    answer: 'Apples in autumn, cherries in June, figs in August.',
    checks: ['Are three fruits named?', 'Is there a season for each?'],
    tag: 'Information seeking',
  },
  {
    ask: 'Write two sentences about a river in winter.',
    answer: 'The river is still under its ice. Only the crows cross it.',
    checks: ['Are there two sentences?'],
    tag: 'Creative Writing',
  },
];

/** @type {Record<string, [repository: string, path: string]>} */
const PUBLISHED = {
  'mt-bench/question.jsonl': ['FastChat', 'fastchat/llm_judge/data/mt_bench/question.jsonl'],
  'mt-bench/judge_prompts.jsonl': ['FastChat', 'fastchat/llm_judge/data/judge_prompts.jsonl'],
  'mt-bench/gpt-4.jsonl': [
    'FastChat',
    'fastchat/llm_judge/data/mt_bench/reference_answer/gpt-4.jsonl',
  ],
  ...Object.fromEntries(
    [
      'creative_writing_prompts_v3.json',
      'creative_writing_judging_prompt.txt',
      'creative_writing_criteria.txt',
      'negative_criteria.txt',
    ].map((name) => [`creative-writing/${name}`, ['creative-writing-bench', `data/${name}`]]),
  ),
  ...Object.fromEntries(
    ['eval_template.score.v2.md', 'eval_template.pairwise.v2.md'].map((name) => [
      `wildbench/${name}`,
      ['WildBench', `evaluation/${name}`],
    ]),
  ),
};

for (const [name, [repository, path]] of Object.entries(PUBLISHED)) {
  write(
    name,
    execFileSync('git', ['-C', join(clones, repository), 'show', `HEAD:${path}`], {
      maxBuffer: 2 ** 30,
    }),
  );
}
for (const name of ['ifeval', 'gpqa']) {
  cpSync(join(import.meta.dirname, '../results/benchmarks/data', name), join(out, name), {
    recursive: true,
  });
}
write(
  'wildbench/v2.json',
  JSON.stringify(
    QUESTIONS.map(({ ask, answer, checks, tag }, i) => ({
      id: `own-${i + 1}`,
      conversation_input: [{ role: 'user', content: ask }],
      checklist: checks,
      primary_tag: tag,
      secondary_tags: [],
      references: { own: answer },
    })),
  ),
);
write(
  'alpaca-eval/alpaca_eval_gpt4_baseline.json',
  JSON.stringify(
    QUESTIONS.map(({ ask, answer }) => ({
      ...{ dataset: 'own', instruction: ask, output: answer, generator: 'own' },
    })),
  ),
);
write(
  'alpaca-eval/alpaca_eval_clf.txt',
  '<|im_start|>user\nWhich response to the instruction is better?\n\nInstruction: {instruction}\n\n' +
    'Response m: {output_1}\n\nResponse M: {output_2}\n\nAnswer with m or M.\n<|im_end|>\n',
);
const categories = ['hard_prompt', 'creative_writing'];
writeRows(
  'arena-hard/question.jsonl',
  QUESTIONS.map(({ ask }, i) => ({ uid: `own-${i + 1}`, category: categories[i], prompt: ask })),
);
for (const baseline of ['o3-mini-2025-01-31', 'gemini-2.0-flash-001']) {
  writeRows(
    `arena-hard/${baseline}.jsonl`,
    QUESTIONS.map(({ ask, answer }, i) => ({
      uid: `own-${i + 1}`,
      messages: [
        { role: 'user', content: ask },
        { role: 'assistant', content: { answer } },
      ],
    })),
  );
}
const tests = (/** @type {object[]} */ ...all) => JSON.stringify(all);
writeRows('livecodebench/test.jsonl', [
  {
    question_id: 'own-sum',
    question_content: 'Read two integers from one line and print their sum.',
    starter_code: '',
    public_test_cases: tests({ input: '1 2\n', output: '3\n', testtype: 'stdin' }),
    private_test_cases: tests({ input: '-4 9\n', output: '5\n', testtype: 'stdin' }),
    metadata: '{}',
  },
  {
    question_id: 'own-double',
    question_content: 'Return the double of an integer.',
    starter_code: 'class Solution:\n    def double(self, n: int) -> int:\n        ',
    public_test_cases: tests({ input: '2', output: '4', testtype: 'functional' }),
    private_test_cases: tests({ input: '-7', output: '-14', testtype: 'functional' }),
    metadata: '{"func_name": "double"}',
  },
]);

/** @param {string} name @param {object[]} rows */
function writeRows(name, rows) {
  write(name, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** @param {string} name @param {string | Uint8Array} content */
function write(name, content) {
  const path = join(/** @type {string} */ (out), name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
