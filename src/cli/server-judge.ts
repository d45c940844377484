/**
 * A judge on a server with OpenAI's chat completions (llama.cpp, vLLM, Ollama, OpenAI): only the command
 * line asks it, and only at the address that the user gives. A key comes from the environment alone, so
 * that it stands in no shell history and in no file of results.
 */
import type { JudgeRequest, Judgment } from '../rl/evaluation/benchmarks/benchmark.ts';
import { UsageError } from './arguments.ts';

/** The environment variable with the server's key; without it no key is sent. */
export const KEY_VARIABLE = 'PONDER_JUDGE_KEY';

export interface ServerOptions {
  /** The address before /chat/completions, for example http://localhost:8080/v1. */
  url: string;
  model: string;
  key?: string | undefined;
  /** Tries of one request, the first included. */
  tries?: number;
  /** How long one try may take. */
  timeoutMs?: number;
  /** The first wait between tries; it doubles after each. */
  waitMs?: number;
}

/** The server did not give a judgment; the message says what it answered and what to do. */
class ServerJudgeError extends Error {
  override name = 'ServerJudgeError';
}

/** A failure that may pass: the request is sent again, after the server's own time if it gave one. */
class Passing extends Error {
  constructor(
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

const LONGEST_WAIT_MS = 60_000;
/** Most bytes of a reply that are read: a judgment is never longer. */
const LONGEST_REPLY = 4_000_000;

export class ServerJudge {
  private readonly address: URL;
  private readonly options: Required<Omit<ServerOptions, 'key'>> & { key: string | undefined };
  /** Nothing is sent before this time: the server asked for a pause, which is for all requests. */
  private pausedUntil = 0;

  /** @throws UsageError if the address cannot be used */
  constructor({ tries = 6, timeoutMs = 300_000, waitMs = 1000, key, ...rest }: ServerOptions) {
    this.address = chatAddress(rest.url);
    this.options = { ...rest, tries, timeoutMs, waitMs, key };
  }

  /** @throws ServerJudgeError when the server refuses, or still fails after the last try */
  async ask(request: JudgeRequest): Promise<Judgment> {
    const { tries, waitMs } = this.options;
    for (let tried = 1; ; tried++) {
      await sleep(this.pausedUntil - Date.now());
      try {
        return await this.send(request);
      } catch (error) {
        if (!(error instanceof Passing)) throw error;
        if (tried === tries) {
          throw new ServerJudgeError(
            `${this.address.host} gave no judgment in ${tries} tries (${error.message}); start the same ` +
              'command again to go on from here',
          );
        }
        // Half of the wait is by chance, so that parallel requests do not come back together.
        const backoff = waitMs * 2 ** (tried - 1) * (0.5 + 0.5 * Math.random());
        const wait = Math.min(LONGEST_WAIT_MS, error.retryAfterMs ?? backoff);
        if (error.retryAfterMs === undefined) await sleep(wait);
        else this.pausedUntil = Math.max(this.pausedUntil, Date.now() + wait);
      }
    }
  }

  private async send(request: JudgeRequest): Promise<Judgment> {
    const { key, model, timeoutMs } = this.options;
    let reply: Response;
    let text: string;
    try {
      reply = await fetch(this.address, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify(bodyOf(request, model)),
        // A redirect would send the key and the texts to an address that the user did not give.
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      text = await limitedText(reply);
    } catch (error) {
      if (error instanceof ServerJudgeError) throw error;
      throw new Passing(networkProblem(error, timeoutMs));
    }
    if (reply.ok) return judgmentIn(text, request);
    const said = `status ${reply.status}${saidIn(text)}`;
    if (mayPass(reply.status)) throw new Passing(said, retryAfter(reply.headers));
    throw new ServerJudgeError(
      `${this.address.host} refused a request: ${said}; ${remedy(reply.status)}`,
    );
  }
}

function chatAddress(given: string): URL {
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw new UsageError(
      `--judge_url ${given} is not an address; give one such as http://localhost:8080/v1`,
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new UsageError(`--judge_url must begin with http:// or https://, not ${url.protocol}`);
  }
  if (url.username || url.password) {
    throw new UsageError(`--judge_url must not have a key in it; set ${KEY_VARIABLE} instead`);
  }
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/chat/completions') ? path : `${path}/chat/completions`;
  return url;
}

function bodyOf(
  { messages, temperature, maxTokens, choices }: JudgeRequest,
  model: string,
): object {
  return {
    model,
    messages,
    temperature,
    max_tokens: maxTokens,
    ...(choices && { logprobs: true, top_logprobs: 5 }),
  };
}

async function limitedText(reply: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const part of reply.body ?? []) {
    bytes += (part as Uint8Array).length;
    if (bytes > LONGEST_REPLY) {
      throw new ServerJudgeError(
        `the judge's reply is longer than ${LONGEST_REPLY} bytes; check --judge_url`,
      );
    }
    text += decoder.decode(part, { stream: true });
  }
  return text + decoder.decode();
}

/** @throws Passing if the reply has no judgment: a proxy may have cut it */
function judgmentIn(text: string, { choices }: JudgeRequest): Judgment {
  let reply: ChatReply | null;
  try {
    reply = JSON.parse(text) as ChatReply | null;
  } catch {
    throw new Passing('its reply is not JSON');
  }
  const choice = reply?.choices?.[0];
  const content = choice?.message?.content;
  if (typeof content !== 'string') throw new Passing('its reply has no text of the assistant');
  if (!choices) return { text: content };
  const first = choice?.logprobs?.content?.[0];
  const likely = [...(first?.top_logprobs ?? []), ...(first ? [first] : [])].filter(
    ({ token, logprob }) => typeof token === 'string' && typeof logprob === 'number',
  );
  if (likely.length === 0) return { text: content };
  return {
    text: content,
    logprobs: Object.fromEntries(likely.map(({ token, logprob }) => [token, logprob])),
  };
}

interface TokenLogprob {
  token: string;
  logprob: number;
}

/** The part of a reply that is read; a server may leave out anything. */
interface ChatReply {
  choices?: {
    message?: { content?: unknown };
    logprobs?: { content?: (TokenLogprob & { top_logprobs?: TokenLogprob[] })[] } | null;
  }[];
}

function mayPass(status: number): boolean {
  return status === 408 || status === 409 || status === 425 || status === 429 || status >= 500;
}

/** Milliseconds of Retry-After, which is a number of seconds or a date; undefined without it. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function saidIn(text: string): string {
  let said: unknown;
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } | string };
    said = typeof error === 'object' ? error.message : error;
  } catch {
    said = undefined;
  }
  return typeof said === 'string' ? ` (${said.slice(0, 200)})` : '';
}

function remedy(status: number): string {
  if (status === 401 || status === 403) return `check the key in ${KEY_VARIABLE}`;
  if (status === 404) return 'check --judge_url and --judge_model';
  return 'check --judge_model, and whether it takes requests of this length';
}

function networkProblem(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `no reply in ${timeoutMs / 1000} s`;
  }
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

function sleep(ms: number): Promise<void> {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
}
