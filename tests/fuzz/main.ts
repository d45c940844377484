/**
 * npm run fuzz -- [--minutes 1] [--cases COUNT] [--seed 1] [--only NAME]: changed files for every reader, for
 * as long as one likes, or until Ctrl-C. It prints how many were read and refused, and every kind of mistake with one input.
 */
import fc from 'fast-check';
import { PARSERS } from './parsers.ts';
import { canMeasure } from './peak-memory.ts';
import { judgeWithMemory, OUTCOMES, type Outcome } from './verdict.ts';

const BATCH = 200;

function option(name: string, byDefault: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? byDefault : (process.argv[at + 1] ?? byDefault);
}

const wanted = Number(option('cases', '0'));
const minutes = wanted > 0 ? Infinity : Number(option('minutes', '1'));
const only = option('only', '');
let seed = Number(option('seed', '1'));
const end = Date.now() + 60_000 * minutes;
const parsers = PARSERS.filter(({ name }) => name.includes(only));
const counts = new Map(parsers.map(({ name }) => [name, new Map<Outcome, number>()]));
const mistakes = new Set<string>();

// What a dropped promise of a library throws must not end the count.
process.on('unhandledRejection', (error) => report('unhandled', 'raw', String(error), ''));

if (!canMeasure) console.log('Memory is not measured here: it takes Linux.');

let total = 0;
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

while (!stop.signal.aborted && Date.now() < end && (wanted === 0 || total < wanted)) {
  for (const parser of parsers) {
    const numRuns = Math.ceil(BATCH * parser.weight);
    for (const input of fc.sample(parser.inputs, { numRuns, seed })) {
      const { outcome, detail } = await judgeWithMemory(parser, input);
      total++;
      const own = counts.get(parser.name)!;
      own.set(outcome, (own.get(outcome) ?? 0) + 1);
      if (detail !== undefined) report(parser.name, outcome, detail, input);
    }
  }
  seed++;
  if (seed % 50 === 0) console.error(`${total} files, ${mistakes.size} kinds of mistakes`);
}

/** Prints a mistake once for each kind: numbers and quoted texts do not make another kind. */
function report(
  name: string,
  outcome: Outcome,
  detail: string,
  input: string | Uint8Array<ArrayBuffer>,
): void {
  const kind = `${name} ${outcome} ${detail.replace(/"[^"]*"|\d+/g, '_').slice(0, 80)}`;
  if (mistakes.has(kind)) return;
  mistakes.add(kind);
  const text = typeof input === 'string' ? input : Buffer.from(input).toString('latin1');
  console.log(`${name}, ${outcome}: ${detail}\n  ${JSON.stringify(text.slice(0, 600))}`);
}

const rows = [...counts].map(([reader, own]) => ({
  reader,
  ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, own.get(outcome) ?? 0])),
}));
console.table(rows);
console.log(`${total} files, seeds up to ${seed - 1}; mistakes of ${mistakes.size} kinds`);
process.exit(mistakes.size === 0 ? 0 : 1);
