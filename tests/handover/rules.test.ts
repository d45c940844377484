/** A rule in JavaScript and its twin in Python, which goes to TRL and verl, give the same rewards. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Rule } from '../../src/rl/rewards/rule.ts';

const root = join(import.meta.dirname, '../..');
const rules = ['recipes/rules', 'public/rules'].flatMap((folder) =>
  readdirSync(join(root, folder)).flatMap((name) =>
    name.endsWith('.js') ? [`${folder}/${name}`] : [],
  ),
);

const PYTHON = `
import json, runpy, sys
reward = runpy.run_path(sys.argv[1])["reward"]
print(json.dumps([float(reward(t["prompt"], t["response"], t["columns"])) for t in json.load(sys.stdin)]))
`;
const { status } = spawnSync('python3', ['-c', '']);
if (status !== 0) console.warn('Rules in Python: skipped, because there is no python3.');

const WORDS = [
  ...[
    'please',
    'Thank you',
    'GLAD',
    'the',
    'An',
    'answer',
    'ÀBCDE',
    'STOP',
    'été',
    'Straße',
    '²²²²',
  ],
  ...[
    '12',
    '1,000',
    '-3.5',
    '12,0000',
    '٣',
    '<b>',
    '</think>',
    '!!',
    '.',
    '?',
    '\n',
    '\u0085',
    '\ufeff',
  ],
  ...[
    'ham 1',
    'plums 2',
    'pizza 7',
    'beans 3',
    'jelly 2',
    'x_ABCD_',
    'naïvely',
    '"quoted"',
    'ſure',
    'I',
  ],
];
const PROMPTS = [
  'What is 12 + 30?',
  'And 7 / 0 or 3 × 4?',
  'Answer naïvely, please: Straße',
  'menu ham 1 plums 2 pizza 7 beans 3 jelly 2 for cleo veggie budget 6',
  'menu ham 1 plums 2 beans 3 for dan dairyfree budget 3',
  '²²²²',
];
const ANSWERS = [
  { answer: 'The answer' },
  { answers: ['12', 42, null] },
  { answer: 3 },
  { answer: '' },
];

/** Texts of a few of these words, the same ones every time. */
const texts = Array.from({ length: 100 }, (_, i) => {
  const pick = (k: number): string =>
    WORDS[(i * 7919 + k * k * 104_729 + i * k * 31) % WORDS.length]!;
  const words = Array.from({ length: i % 27 }, (_, k) => pick(k));
  return {
    prompt: PROMPTS[i % PROMPTS.length]!,
    response: [...words, ...(i % 5 === 0 ? ['42'] : [])].join(i % 9 === 0 ? '' : ' '),
    columns: ANSWERS[i % ANSWERS.length] as Record<string, unknown>,
  };
});
const exact = [
  ['What is 12 + 30?', '42'],
  ['menu ham 1 plums 2 for cleo nutfree budget 4', 'ham 1 plums 2'],
  ['menu ham 1 plums 2 for cleo nutfree budget 9', 'ham 1 plums 2'],
  ['say hello', 'An answer!'],
].map(([prompt, response]) => ({ prompt: prompt!, response: response!, columns: ANSWERS[0]! }));

describe.skipIf(status !== 0)('a rule and its twin in Python', () => {
  it.each(rules)('%s', async (path) => {
    const asked = [...texts, ...exact];
    const rule = await Rule.open(path, await readFile(join(root, path), 'utf8'));
    const want = await rule.score(asked);
    rule.destroy();
    expect(new Set(want).size).toBeGreaterThan(1);
    const input = JSON.stringify(asked);
    const args = ['-c', PYTHON, join(root, path.replace(/js$/, 'py'))];
    const got = JSON.parse(execFileSync('python3', args, { input, encoding: 'utf8' })) as number[];
    const differ = asked.filter((_, i) => Math.abs(got[i]! - want[i]!) > 1e-9);
    expect(differ).toEqual([]);
  });
});
