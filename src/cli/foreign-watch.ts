/**
 * Watches the foreign calls of the command line (model/foreign.ts) from a second thread. Only the end of
 * the process ends a call that never returns, so that is what the thread does, with one line.
 */
import { Worker } from 'node:worker_threads';
import { FOREIGN_SECONDS, tooLong, watchForeign } from '../model/foreign.ts';

/** Plain JavaScript: a thread that runs TypeScript would take longer to start than most commands. */
const THREAD = `
  const { parentPort } = require('node:worker_threads');
  const { writeSync } = require('node:fs');
  let timer;
  parentPort.on('message', ({ sentence, limit }) => {
    clearInterval(timer);
    if (sentence === undefined) return;
    let seconds = 0;
    timer = setInterval(() => {
      if (++seconds <= limit) return;
      writeSync(2, 'ponder: ' + sentence + '\\n');
      process.kill(process.pid, 'SIGKILL');
    }, 1000);
  });
`;

/** The thread starts with the first call. @param seconds that a call may take */
export function watchForeignCalls(seconds = FOREIGN_SECONDS): void {
  let thread: Worker | undefined;
  watchForeign((call) => {
    if (!thread) {
      thread = new Worker(THREAD, { eval: true, execArgv: [], stdout: false });
      thread.unref();
    }
    thread.postMessage({ sentence: call && tooLong(call, seconds), limit: seconds });
  });
}
