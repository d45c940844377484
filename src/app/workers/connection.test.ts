import * as Comlink from 'comlink';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect } from './connection.ts';

const service = {
  double: (x: number) => 2 * x,
  fail: (): void => {
    throw new Error('no such file');
  },
  hang: () => new Promise<never>(() => undefined),
};
const WORDS = { name: 'The worker that doubles', advice: 'try again' };

/** A worker as the page holds it, whose other end is in this thread. */
class FakeWorker extends EventTarget {
  terminated = false;
  private readonly ports = new MessageChannel();

  constructor() {
    super();
    Comlink.expose(service, this.ports.port2);
    this.ports.port1.onmessage = ({ data }: MessageEvent<unknown>) =>
      this.dispatchEvent(new MessageEvent('message', { data }));
  }
  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.ports.port1.postMessage(message, transfer);
  }
  terminate(): void {
    this.terminated = true;
    this.ports.port1.close();
  }
}

function open() {
  const worker = new FakeWorker();
  const reasons: Error[] = [];
  const connection = connect<typeof service>(worker as unknown as Worker, WORDS, (reason) =>
    reasons.push(reason),
  );
  return { worker, connection, reasons };
}

it('passes calls on, with what they return and what they throw', async () => {
  const { connection, reasons, worker } = open();
  expect(await connection.service.double(4)).toBe(8);
  await expect(connection.service.fail()).rejects.toThrow('no such file');
  // An error of a call is not an end.
  expect(await connection.service.double(1)).toBe(2);
  expect([reasons.length, worker.terminated]).toEqual([0, false]);
  connection.close();
});

it.each([
  [
    'a script that does not load',
    new Event('error', { cancelable: true }),
    'The worker that doubles could not be loaded. Check the connection, then try again.',
  ],
  [
    'an error that ends it',
    Object.assign(new Event('error', { cancelable: true }), { message: 'out of memory' }),
    'The worker that doubles stopped (out of memory). Please try again.',
  ],
  [
    'a message that cannot be read',
    new Event('messageerror'),
    'The worker that doubles sent a message that this browser cannot read. Please try again.',
  ],
])('%s rejects what waits and what comes, is told once, and closes the worker', async (...row) => {
  const [, event, sentence] = row;
  const { worker, connection, reasons } = open();
  const waits = [connection.service.hang(), connection.service.hang()];
  worker.dispatchEvent(event);
  worker.dispatchEvent(new Event('error'));
  await Promise.all(waits.map((call) => expect(call).rejects.toThrow(sentence)));
  await expect(connection.service.double(1)).rejects.toThrow(sentence);
  expect(reasons.map(({ message }) => message)).toEqual([sentence]);
  expect(worker.terminated).toBe(true);
  // Else the worker around it, or the page, would report the same error again.
  expect(event.defaultPrevented).toBe(event.cancelable);
});

it('closed on purpose, it rejects what waits, and nobody is told that it broke', async () => {
  const { worker, connection, reasons } = open();
  const waits = connection.service.hang();
  connection.close();
  await expect(waits).rejects.toThrow('The worker that doubles was closed.');
  expect(worker.terminated).toBe(true);
  expect(reasons).toEqual([]);
});

describe('foreign code in the worker', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const announce = (worker: FakeWorker, foreign?: string): void =>
    void worker.dispatchEvent(new MessageEvent('message', { data: { foreign } }));

  it('that does not end, ends the worker with a sentence', async () => {
    const { worker, connection, reasons } = open();
    const waits = expect(connection.service.hang()).rejects.toThrow(
      'The rule mine takes longer than 10 seconds, so it was stopped; correct it, or use another.',
    );
    announce(worker, 'The rule mine');
    vi.advanceTimersByTime(10_000);
    expect(worker.terminated).toBe(false);
    vi.advanceTimersByTime(1000);
    await waits;
    expect([worker.terminated, reasons.length]).toEqual([true, 1]);
  });

  it('goes on after the computer slept, and still ends if it hangs', () => {
    const { worker, connection, reasons } = open();
    announce(worker, 'The rule mine');
    vi.advanceTimersByTime(3000);
    // Eight hours pass on the clock, and no timer fires meanwhile.
    vi.setSystemTime(Date.now() + 8 * 3_600_000);
    vi.advanceTimersByTime(6000);
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(3000);
    expect(reasons).toHaveLength(1);
    connection.close();
  });

  it('may be called for as long as each call ends, and a closed worker is not watched', () => {
    const { worker, connection, reasons } = open();
    for (let i = 0; i < 10; i++) {
      announce(worker, 'The rule mine');
      vi.advanceTimersByTime(9000);
      announce(worker);
    }
    announce(worker, 'The rule mine');
    connection.close();
    vi.advanceTimersByTime(60_000);
    expect(reasons).toEqual([]);
  });
});
