/**
 * Runs programs of a model in Pyodide (Python on WebAssembly): each in a process of its own that has no
 * network, no files and no environment, and that is killed afterwards. The next process starts while one
 * runs. Two walls stand between a program and the machine: a V8 context that holds nothing of Node and
 * makes no code from strings (context.js), and Node's permission model around it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PythonTask {
  code: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** The function under test; null: the program reads standard input. */
  function: string | null;
}

/** True: right; false or -2: wrong; -3: time limit; -4: error. The tests after a failed one do not run. */
export type TestVerdict = boolean | -2 | -3 | -4;

interface SandboxOptions {
  /** Time limit of one test, as in the original. */
  seconds?: number;
  /** Of Python's memory; beyond it the program gets a MemoryError. */
  memoryBytes?: number;
}

/** The original allows 6 s, on CPython; Pyodide takes about twice as long for the same program. */
const SECONDS_PER_TEST = 6;
const MEMORY_BYTES = 2 ** 30;
/** Python starts in about 2 s; a busy machine takes longer. */
const START_MS = 120_000;

/** Verdict of a program that ends its interpreter, or that no alarm stops: the original's too. */
const ENDED: readonly TestVerdict[] = [-2];

interface Started {
  child: ChildProcess;
  /** Its first message: "ready". */
  ready: Promise<string | undefined>;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export class PythonSandbox {
  readonly #seconds: number;
  readonly #memoryBytes: number;
  #next: Started | undefined;

  constructor({ seconds = SECONDS_PER_TEST, memoryBytes = MEMORY_BYTES }: SandboxOptions = {}) {
    this.#seconds = seconds;
    this.#memoryBytes = memoryBytes;
  }

  /**
   * The verdicts of a program on the tests of its problem, one a test until one fails.
   * @throws Error if Python does not start
   */
  async run(task: PythonTask): Promise<readonly TestVerdict[]> {
    const { child, ready } = this.#next ?? this.#started();
    this.#next = this.#started();
    child.ref();
    child.channel?.ref();
    try {
      if ((await ready) !== 'ready') {
        throw new Error('Python did not start: run `npm install`, then try again.');
      }
      child.send(JSON.stringify({ ...task, seconds: this.#seconds }));
      // The original's limit for all tests together.
      const limit = 1000 * ((this.#seconds + 1) * task.inputs.length + 5);
      const answer = await message(child, limit);
      return answer === undefined ? ENDED : ((JSON.parse(answer) as TestVerdict[] | null) ?? ENDED);
    } finally {
      child.kill('SIGKILL');
    }
  }

  close(): void {
    this.#next?.child.kill('SIGKILL');
    this.#next = undefined;
  }

  #started(): Started {
    const folder = dirname(createRequire(import.meta.url).resolve('pyodide/package.json'));
    const permission = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const child = fork(here('child.mjs'), [folder, String(this.#memoryBytes)], {
      execArgv: [
        '--no-warnings',
        '--experimental-vm-modules',
        '--disallow-code-generation-from-strings',
        permission,
        `--allow-fs-read=${folder}/*`,
        `--allow-fs-read=${here('.')}*`,
        '--allow-worker',
      ],
      env: {},
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('error', () => undefined);
    // A process that waits for a program does not keep the command alive.
    child.unref();
    child.channel?.unref();
    return { child, ready: message(child, START_MS) };
  }
}

/** The next message of a process; undefined if it ends, or says nothing in time. */
async function message(child: ChildProcess, ms: number): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(ms);
  const ended = new AbortController();
  const end = (): void => ended.abort();
  child.once('exit', end);
  try {
    if (child.exitCode !== null || child.signalCode !== null) return undefined;
    const [text] = (await once(child, 'message', {
      signal: AbortSignal.any([timeout, ended.signal]),
    })) as [string];
    return text;
  } catch {
    return undefined;
  } finally {
    child.off('exit', end);
  }
}
