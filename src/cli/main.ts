/**
 * The command line. A command's result goes to standard output, as text or with --json as one JSON
 * document. Whatever goes wrong becomes one line on standard error and exit code 1.
 */
import { explain, runCommand } from './commands.ts';

// `ponder ... | head` closes the pipe early, which is nobody's mistake.
process.stdout.on('error', () => process.exit(0));
try {
  process.stdout.write(await runCommand(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`ponder: ${explain(error)}\n`);
  process.exitCode = 1;
}
