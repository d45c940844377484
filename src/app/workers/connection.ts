/**
 * The page's connection to a worker. A worker can fail in ways that no call returns: its script does
 * not load, an error ends it, a message cannot be read, foreign code in it takes too long. Every waiting
 * call then rejects with a sentence.
 */
import * as Comlink from 'comlink';
import { ForeignDeadline, isForeignMessage } from './foreign-deadline.ts';

/** A service in a worker of its own. */
export interface Connection<Service> {
  /** Its calls reject when the worker is broken, or closed before it answered. */
  service: Service;
  /** Ends the worker, and the workers that it began; their GPU memory is free. */
  close(): void;
}

/** The words of a message about a worker. */
interface WorkerWords {
  /** Begins the sentence: "The training worker". */
  name: string;
  /** What to do when it is broken: "reload the page". */
  advice: string;
}

type Calls = Record<string, (...given: unknown[]) => Promise<unknown>>;

/**
 * Speaks with the service that `worker` exposes through comlink.
 * @param worker made by the caller: the build recognises only `new Worker(new URL(...))`, written out
 * @param onBroken called once with the reason, after the broken worker was closed
 */
export function connect<Service extends object>(
  worker: Worker,
  { name, advice }: WorkerWords,
  onBroken?: (reason: Error) => void,
): Connection<Comlink.Remote<Service>> {
  const remote = Comlink.wrap<Calls>(worker);
  /** How to give up each call that waits for its answer. */
  const waiting = new Set<(reason: Error) => void>();
  let ended: Error | undefined;

  const end = (sentence: string, tell?: (reason: Error) => void): void => {
    if (ended) return;
    ended = new Error(sentence);
    deadline.stop();
    remote[Comlink.releaseProxy]();
    worker.terminate();
    for (const giveUp of waiting) giveUp(ended);
    tell?.(ended);
  };
  const deadline = new ForeignDeadline((sentence) => end(sentence, onBroken));
  worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (!ended && isForeignMessage(data)) deadline.onMessage(data);
  });
  worker.addEventListener('error', (event) => {
    // The error is handled here, so that it does not also stop the caller, which may be a worker itself.
    event.preventDefault();
    // A script that does not load has no message.
    const sentence = event.message
      ? `${name} stopped (${event.message}). Please ${advice}.`
      : `${name} could not be loaded. Check the connection, then ${advice}.`;
    end(sentence, onBroken);
  });
  worker.addEventListener('messageerror', () =>
    end(`${name} sent a message that this browser cannot read. Please ${advice}.`, onBroken),
  );

  const call = (method: string, given: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended) throw ended;
      waiting.add(reject);
      void remote[method]!(...given)
        .then(resolve, reject)
        .finally(() => waiting.delete(reject));
    });
  const service = new Proxy<Calls>(
    {},
    {
      // `then` is not a method, or `await service` would call the worker.
      get: (_, method: string) =>
        method === 'then' ? undefined : (...given: unknown[]) => call(method, given),
    },
  );
  return {
    service: service as unknown as Comlink.Remote<Service>,
    close: () => end(`${name} was closed.`),
  };
}
