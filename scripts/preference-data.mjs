// Preference pairs for the recipes in recipes/real, from a clone of github.com/tatsu-lab/alpaca_eval (its data
// are CC BY-NC 4.0):
//   node scripts/preference-data.mjs CLONE runs/real
// Kept are pairs of short texts with a clear verdict. In half of the pairs the longer response was chosen, so
// that length alone is right half of the time. A prompt is in one file only: the first reward model, the
// second, or held out.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [clone, out] = process.argv.slice(2);
if (clone === undefined || out === undefined) {
  console.error('usage: node scripts/preference-data.mjs CLONE_OF_ALPACA_EVAL OUT');
  process.exit(1);
}
const MAX_PROMPT = 320; // characters
const MAX_RESPONSE = 600;

/** @typedef {{ prompt: string, chosen: string, rejected: string }} Pair */
/** @typedef {{ instruction: string, output_1: string, output_2: string, preference: number | null }} Verdict */

/** @type {Map<string, Pair>} */
const pairs = new Map();
const results = join(clone, 'results');
const files = readdirSync(results, { recursive: true, encoding: 'utf8' });
for (const file of files.filter((name) => name.endsWith('annotations.json')).sort()) {
  /** @type {Verdict[]} */
  const verdicts = JSON.parse(readFileSync(join(results, file), 'utf8'));
  for (const { instruction: prompt, output_1: first, output_2: second, preference } of verdicts) {
    // 1 is the first output, 2 the second.
    const clear = preference !== null && Math.abs(preference - 1.5) >= 0.35;
    const short =
      prompt.length <= MAX_PROMPT && Math.max(first.length, second.length) <= MAX_RESPONSE;
    if (!clear || !short || first === second) continue;
    const [chosen, rejected] = preference > 1.5 ? [second, first] : [first, second];
    pairs.set(hash(JSON.stringify([prompt, ...[first, second].sort()])), {
      prompt,
      chosen,
      rejected,
    });
  }
}

const inOrder = [...pairs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
const longer = inOrder.filter(({ chosen, rejected }) => chosen.length > rejected.length);
const shorter = inOrder.filter(({ chosen, rejected }) => chosen.length < rejected.length);
const each = Math.min(longer.length, shorter.length);
const balanced = [...longer.slice(0, each), ...shorter.slice(0, each)];

mkdirSync(out, { recursive: true });
for (const name of ['1', '2', 'heldout']) {
  const kept = balanced.filter((pair) => part(pair.prompt) === name);
  write(`pairs-${name}.jsonl`, kept);
}
const prompts = [...new Set(balanced.map((pair) => pair.prompt))];
const [heldOut, train] = [true, false].map((held) =>
  prompts.filter((prompt) => (part(prompt) === 'heldout') === held).map((prompt) => ({ prompt })),
);
write('prompts-heldout.jsonl', heldOut ?? []);
write('prompts.jsonl', train ?? []);

/** @param {string} text */
function hash(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** One prompt in seven is held out; the others are shared between the two reward models. */
function part(/** @type {string} */ prompt) {
  const number = parseInt(hash(prompt).slice(0, 8), 16);
  return number % 7 === 0 ? 'heldout' : String(1 + (number % 2));
}

/**
 * @param {string} name
 * @param {object[]} rows
 */
function write(name, rows) {
  writeFileSync(join(out ?? '', name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  console.log(`${name}: ${rows.length} rows`);
}
