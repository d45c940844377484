/**
 * The verdicts of LiveCodeBench's own code, made once by make_livecodebench.py, against those of Pyodide. A
 * process starts for each program, about 2 s; so only one runs here unless PONDER_LIVECODEBENCH is set.
 */
import { readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { PythonSandbox, type PythonTask, type TestVerdict } from '../../src/cli/python/sandbox.ts';

interface Case extends PythonTask {
  name: string;
  seconds: number;
  verdicts: TestVerdict[];
}

const file = new URL('livecodebench.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];
/** One whose tests differ in their verdicts. */
const few = ['method, wrong at the second test'];
const all = process.env['PONDER_LIVECODEBENCH'] !== undefined;

/** Pyodide is slower than CPython, and the machine may be busy; an endless program stays endless. */
const SECONDS_FACTOR = 3;
const sandboxes = new Map<number, PythonSandbox>();
afterAll(() => sandboxes.forEach((sandbox) => sandbox.close()));

it.each(cases.filter(({ name }) => all || few.includes(name)))(
  '$name',
  async ({ code, inputs, outputs, function: name, seconds, verdicts }) => {
    const sandbox =
      sandboxes.get(seconds) ?? new PythonSandbox({ seconds: seconds * SECONDS_FACTOR });
    sandboxes.set(seconds, sandbox);
    expect(await sandbox.run({ code, inputs, outputs, function: name })).toEqual(verdicts);
  },
);
