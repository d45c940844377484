/** A judge on a server, against a small server in this process that fails in every way. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ServerJudge, type ServerOptions } from './server-judge.ts';

type Handler = (reply: ServerResponse, request: IncomingMessage, body: string) => void;

const closers: (() => void)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

/** Answers the n-th request with the n-th handler, and all further ones with the last. */
async function judgeAt(handlers: Handler[], options: Partial<ServerOptions> = {}) {
  const seen: {
    body: Record<string, unknown>;
    auth: string | undefined;
    at: number;
    path: string;
  }[] = [];
  const server = createServer((request, reply) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const handler = handlers[Math.min(seen.length, handlers.length - 1)]!;
      seen.push({
        body: JSON.parse(body) as Record<string, unknown>,
        auth: request.headers.authorization,
        at: performance.now(),
        path: request.url ?? '',
      });
      handler(reply, request, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/v1`;
  const judge = new ServerJudge({ url, model: 'judge', waitMs: 1, tries: 4, ...options });
  return { judge, seen, url };
}

const ask = {
  messages: [{ role: 'user', content: 'Which?' }],
  temperature: 0,
  maxTokens: 7,
} as const;
const says =
  (content: string, more: object = {}): Handler =>
  (reply) =>
    void reply.end(JSON.stringify({ choices: [{ message: { content }, ...more }] }));
const status =
  (
    code: number,
    headers: Record<string, string> = {},
    body = '{"error":{"message":"busy"}}',
  ): Handler =>
  (reply) =>
    void reply.writeHead(code, headers).end(body);

it('sends the request in OpenAI’s form, with the key in the header only', async () => {
  const { judge, seen } = await judgeAt([says('[[7]]')], { key: 'secret' });
  expect(await judge.ask(ask)).toEqual({ text: '[[7]]' });
  expect(seen[0]).toMatchObject({
    body: { model: 'judge', messages: ask.messages, temperature: 0, max_tokens: 7 },
    auth: 'Bearer secret',
    path: '/v1/chat/completions',
  });
  expect(JSON.stringify(seen[0]!.body)).not.toContain('secret');
});

it('sends no key without one, and reads log-probabilities of the first token', async () => {
  const logprobs = {
    content: [
      {
        token: 'm',
        logprob: -0.1,
        top_logprobs: [
          { token: 'm', logprob: -0.1 },
          { token: 'M', logprob: -2.4 },
        ],
      },
    ],
  };
  const { judge, seen } = await judgeAt([says('m', { logprobs })]);
  const { logprobs: read } = await judge.ask({ ...ask, choices: ['m', 'M'] });
  expect(read).toEqual({ m: -0.1, M: -2.4 });
  expect(seen[0]!.auth).toBeUndefined();
  expect(seen[0]!.body).toMatchObject({ logprobs: true, top_logprobs: 5 });
});

it.each<[string, Handler]>([
  ['429', status(429)],
  ['500', status(500)],
  ['503 with HTML', status(503, {}, '<html>down</html>')],
  ['JSON that is cut', (reply) => void reply.end('{"choices": [{"message": {"cont')],
  ['JSON of another kind', (reply) => void reply.end('null')],
  ['no text', (reply) => void reply.end('{"choices":[{"message":{"content":null}}]}')],
  ['an empty reply', (reply) => void reply.end()],
  ['a connection that is cut at once', (reply) => void reply.destroy()],
  [
    'a connection that is cut in the reply',
    (reply) => {
      reply.writeHead(200, { 'content-length': '1000' }).write('{"choices":');
      setTimeout(() => reply.destroy(), 5);
    },
  ],
  ['no reply in time', () => undefined],
])('asks again after %s', async (_, fails) => {
  const { judge, seen } = await judgeAt([fails, fails, says('A>B')], { timeoutMs: 200 });
  expect(await judge.ask(ask)).toEqual({ text: 'A>B' });
  expect(seen).toHaveLength(3);
});

it('waits as long as Retry-After says, and holds the other requests too', async () => {
  const { judge, seen } = await judgeAt([status(429, { 'retry-after': '0.3' }), says('ok')]);
  const first = judge.ask(ask);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await Promise.all([first, judge.ask(ask)]);
  expect(seen).toHaveLength(3);
  expect(seen[1]!.at - seen[0]!.at).toBeGreaterThan(290);
  expect(seen[2]!.at - seen[0]!.at).toBeGreaterThan(290);
});

it('gives up after the last try, and says what the server said', async () => {
  const { judge, seen } = await judgeAt([status(500)]);
  await expect(judge.ask(ask)).rejects.toThrow(/no judgment in 4 tries \(status 500 \(busy\)\)/);
  expect(seen).toHaveLength(4);
});

it.each([
  [401, /check the key in PONDER_JUDGE_KEY/],
  [404, /check --judge_url and --judge_model/],
  [400, /takes requests of this length/],
])('does not ask again after %i', async (code, message) => {
  const { judge, seen } = await judgeAt([status(code)]);
  await expect(judge.ask(ask)).rejects.toThrow(message);
  expect(seen).toHaveLength(1);
});

it('follows no redirect, so the key goes to one address only', async () => {
  const other = await judgeAt([says('stolen')]);
  const { judge } = await judgeAt([status(302, { location: `${other.url}/chat/completions` })], {
    key: 'secret',
    tries: 1,
  });
  await expect(judge.ask(ask)).rejects.toThrow(/no judgment/);
  expect(other.seen).toHaveLength(0);
});

it.each([
  ['localhost:8080', /must begin with http/],
  ['nowhere', /is not an address/],
  ['http://me:key@localhost/v1', /must not have a key/],
])('refuses the address %s', (url, message) => {
  expect(() => new ServerJudge({ url, model: 'x' })).toThrow(message);
});

it('takes an address with or without the path of the endpoint', async () => {
  const { url, seen } = await judgeAt([says('ok')]);
  for (const form of [url, `${url}/`, `${url}/chat/completions`]) {
    await new ServerJudge({ url: form, model: 'x' }).ask(ask);
  }
  expect(seen.map(({ path }) => path)).toEqual(Array(3).fill('/v1/chat/completions'));
});
