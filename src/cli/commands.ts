/** The commands by name, and how one is run. */
import { readFileSync } from 'node:fs';
import { nearest } from '../rl/recipe/nearest.ts';
import { UsageError } from './arguments.ts';
import type { Command } from './command.ts';
import { oneLine, table } from './text.ts';

/** Loaded when needed, so that a command starts without the modules of the others. */
const commands: Record<string, { summary: string; load: () => Promise<Command> }> = {
  info: {
    summary: 'shows what a model folder contains, and the memory it needs',
    load: async () => (await import('./info.ts')).info,
  },
  logits: {
    summary: 'prints the logits of a sequence of token ids',
    load: async () => (await import('./logits.ts')).logits,
  },
  score: {
    summary: 'prints the score that a reward model gives to a response',
    load: async () => (await import('./score.ts')).score,
  },
  accuracy: {
    summary:
      'shows how often reward models and judges prefer what was preferred in a file of pairs',
    load: async () => (await import('./accuracy.ts')).accuracy,
  },
  generate: {
    summary: 'writes a thought and a response to a prompt',
    load: async () => (await import('./generate.ts')).generate,
  },
  train: {
    summary: 'trains a model with a recipe',
    load: async () => (await import('./train.ts')).train,
  },
  eval: {
    summary: 'judges a policy on prompts that training never sees',
    load: async () => (await import('./eval.ts')).evaluation,
  },
  compare: {
    summary: 'compares two checkpoints on the same held-out prompts, by every judge',
    load: async () => (await import('./compare.ts')).compare,
  },
  analyze: {
    summary: 'shows what training changed: lengths, traits of thoughts, reward against gold, cost',
    load: async () => (await import('./analyze.ts')).analyze,
  },
  benchmark: {
    summary: "asks a model a benchmark of the paper, and scores it by the benchmark's own rule",
    load: async () => (await import('./benchmark.ts')).benchmark,
  },
  export: {
    summary:
      'writes a trained model for transformers, peft or llama.cpp, or a run for TRL, verl or OpenRLHF',
    load: async () => (await import('./export.ts')).exporting,
  },
  preview: {
    summary: 'shows what the policy and the rewards of a recipe will read',
    load: async () => (await import('./preview.ts')).preview,
  },
  record: {
    summary: 'turns a finished run into the file that the page replays',
    load: async () => (await import('./record.ts')).record,
  },
  preferences: {
    summary: 'makes preference data from the built-in world, to train a reward model',
    load: async () => (await import('./preferences.ts')).preferences,
  },
  bench: {
    summary:
      'times products, attention, writing and training beside other libraries, and whole GRPO steps',
    load: async () => (await import('./bench.ts')).bench,
  },
};

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

/**
 * Runs one command as typed, and returns its result: text, or with --json one JSON document. Errors
 * are thrown; `explain` turns one into a line.
 */
export async function runCommand(argv: readonly string[]): Promise<string> {
  const json = argv.includes('--json');
  const wantsHelp = argv.includes('--help') || argv.includes('-h');
  const words = argv.filter((a) => !['--json', '--help', '-h'].includes(a));
  if (words[0] === '--version') return json ? `${JSON.stringify({ version })}\n` : `${version}\n`;
  const asksHelp = words[0] === 'help';
  const [name, ...rest] = asksHelp ? words.slice(1) : words;
  if (name === undefined) return overview();
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) {
    const meant = nearest(name, Object.keys(commands));
    const hint = meant ? `did you mean ${meant}? ` : '';
    throw new UsageError(`there is no command ${name}; ${hint}--help lists the commands`);
  }
  const command = await entry.load();
  return wantsHelp || asksHelp ? command.help : command.run(rest, json);
}

function overview(): string {
  return (
    'Ponder trains small language models to think before they answer.\n\n' +
    '  npm run -s ponder -- COMMAND [options]\n\n' +
    table(Object.entries(commands).map(([name, { summary }]) => [`  ${name}`, summary])) +
    '\nAfter a command, --help explains its options. --version prints the version of Ponder.\n'
  );
}

/** An error in one line. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  const isBug = error instanceof TypeError || error instanceof ReferenceError;
  if (isBug && process.env.PONDER_TRACE) return error.stack ?? error.message;
  const advice = ' (a bug in Ponder; set PONDER_TRACE=1 to see where)';
  return oneLine(error.message) + (isBug ? advice : '');
}
