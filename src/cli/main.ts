/**
 * The command line. A command's result goes to standard output: text, or with --json one JSON
 * document. An error becomes one line on standard error and exit code 1, a stop by a signal 130 or 143.
 */
import { storageError } from '../rl/runs/storage-error.ts';
import { watchForeignCalls } from './foreign-watch.ts';
import { explain, runCommand } from './commands.ts';
import { heedSignals, Stopped } from './stop-signals.ts';
import { printable } from './text.ts';

// scripts/ponder.mjs was killed: training must not go on unseen.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
heedSignals();
process.channel?.unref();
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // `ponder ... | head` closes the pipe early, which is not an error.
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`ponder: ${explain(storageError(error, 'standard output'))}\n`);
  process.exit(1);
});
watchForeignCalls();
try {
  const result = await runCommand(process.argv.slice(2));
  // A file gets every character.
  process.stdout.write(process.stdout.isTTY ? printable(result) : result);
} catch (error) {
  process.stderr.write(`ponder: ${explain(error)}\n`);
  process.exitCode = error instanceof Stopped ? error.exitCode : 1;
}
