/**
 * Runs commands one after the other in one process, for jobs of many short runs: devices are kept, so
 * kernels are compiled once. A parent sends the words of a command, and gets back whether it succeeded.
 */
import { keepDevices } from '../gpu/node.ts';
import { watchForeignCalls } from './foreign-watch.ts';
import { explain, runCommand } from './commands.ts';

keepDevices();
watchForeignCalls();

process.on('message', (argv: string[]) => {
  runCommand(argv).then(
    () => process.send?.(true),
    (error: unknown) => {
      process.stderr.write(`ponder: ${explain(error)}\n`);
      process.send?.(false);
    },
  );
});
// The parent has ended.
process.on('disconnect', () => process.exit(0));
