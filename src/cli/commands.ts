/** The commands by name: what runs when somebody types one. */
import { nearest } from '../rl/recipe/nearest.ts';
import { UsageError } from './arguments.ts';
import type { Command } from './command.ts';
import { oneLine, table } from './text.ts';

/** Loaded one by one: a command starts without the others' modules. */
const commands: Record<string, { summary: string; load: () => Promise<Command> }> = {
  info: {
    summary: 'what a model folder holds, and the memory it needs',
    load: async () => (await import('./info.ts')).info,
  },
  logits: {
    summary: 'the logits of a sequence of token ids',
    load: async () => (await import('./logits.ts')).logits,
  },
  score: {
    summary: 'what a reward model gives a response',
    load: async () => (await import('./score.ts')).score,
  },
  generate: {
    summary: 'a thought and a response to a prompt',
    load: async () => (await import('./generate.ts')).generate,
  },
  train: {
    summary: 'trains as a recipe says',
    load: async () => (await import('./train.ts')).train,
  },
  eval: {
    summary: 'judges a policy on prompts that training never sees',
    load: async () => (await import('./eval.ts')).evaluation,
  },
  compare: {
    summary: 'two checkpoints on the same held-out prompts: who wins, by every judge',
    load: async () => (await import('./compare.ts')).compare,
  },
  analyze: {
    summary: 'what training changed: lengths, traits of thoughts, reward against gold, cost',
    load: async () => (await import('./analyze.ts')).analyze,
  },
  export: {
    summary: 'writes what was trained as a folder for transformers or peft',
    load: async () => (await import('./export.ts')).exporting,
  },
  preview: {
    summary: 'what the policy and the rewards of a recipe will see',
    load: async () => (await import('./preview.ts')).preview,
  },
  record: {
    summary: 'turns a finished run into the file that the page replays',
    load: async () => (await import('./record.ts')).record,
  },
  preferences: {
    summary: 'preference data of the built-in world, for training a reward model',
    load: async () => (await import('./preferences.ts')).preferences,
  },
  bench: {
    summary: 'how fast this machine multiplies and trains, beside other libraries',
    load: async () => (await import('./bench.ts')).bench,
  },
};

/**
 * Runs one command, as typed, and gives its result, as text or with --json as one JSON document.
 * Whatever goes wrong is thrown; `explain` makes it a line.
 */
export async function runCommand(argv: readonly string[]): Promise<string> {
  const json = argv.includes('--json');
  const wantsHelp = argv.includes('--help') || argv.includes('-h');
  const [name, ...rest] = argv.filter((a) => !['--json', '--help', '-h'].includes(a));
  if (name === undefined) return overview();
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) {
    const meant = nearest(name, Object.keys(commands));
    const hint = meant ? `did you mean ${meant}?` : `they are ${Object.keys(commands).join(', ')}`;
    throw new UsageError(`there is no command ${name}; ${hint}`);
  }
  const command = await entry.load();
  return wantsHelp ? command.help : command.run(rest, json);
}

function overview(): string {
  return (
    'Ponder trains small language models to think before they answer.\n\n' +
    '  npm run -s ponder -- COMMAND [options]\n\n' +
    table(Object.entries(commands).map(([name, { summary }]) => [`  ${name}`, summary])) +
    '\nAfter a command, --help explains its options.\n'
  );
}

/** What went wrong, in one line. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  const isBug = error instanceof TypeError || error instanceof ReferenceError;
  if (isBug && process.env.PONDER_TRACE) return error.stack ?? error.message;
  const advice = ' (a mistake of Ponder itself; PONDER_TRACE=1 shows where)';
  return oneLine(error.message) + (isBug ? advice : '');
}
