/** A link may name any path: nothing is fetched from another server, however the path is written. */
import { beforeEach, expect, it, vi } from 'vitest';
import { pageModelFolder } from '../../src/app/page-paths.ts';
import { readPageFile } from '../../src/app/stored-data.ts';
import { readLink } from '../../src/ui/settings/link.ts';

const PAGE = 'https://ponder.example/some/where/index.html';
const fetched: string[] = [];

beforeEach(() => {
  fetched.length = 0;
  vi.stubGlobal('self', { document: { baseURI: PAGE } });
  vi.stubGlobal('fetch', (url: string) => {
    fetched.push(url);
    return Promise.resolve(new Response('{}'));
  });
  return () => vi.unstubAllGlobals();
});

/** Reads what a link names, as training and the previews do. */
async function read(hash: string): Promise<void> {
  const { overrides } = readLink(hash);
  const names = JSON.stringify(Object.values(overrides)).match(/"(?:[^"\\]|\\.)*"/g) ?? [];
  for (const name of names.map((text) => JSON.parse(text) as string)) {
    await pageModelFolder(name)
      .then((folder) => folder.open('config.json'))
      .catch(() => undefined);
    await readPageFile(name).catch(() => undefined);
  }
}

it.each([
  'https://other.example/x',
  'HTTPS://other.example/x',
  'https%3A%2F%2Fother.example%2Fx',
  'https%253A%252F%252Fother.example%252Fx',
  'https:/other.example/x',
  'https:%5C%5Cother.example%5Cx',
  'http://ponder.example/x',
  '//other.example/x',
  '%2F%2Fother.example/x',
  '/%2Fother.example/x',
  '%5C%5Cother.example%5Cx',
  '/%5Cother.example/x',
  '/%09/other.example/x',
  '%0A//other.example/x',
  '%20https://other.example/x',
  'public/https://other.example/x',
  'public///other.example/x',
  'https://ponder.example@other.example/x',
  'https://ponder.example%2F@other.example/x',
  'stored:https://other.example/x',
  'data:text/plain;base64,eA',
  'data%3Atext/plain;base64,eA',
  'blob:https://ponder.example/x',
  'javascript:x',
])('from a link with %s', async (path) => {
  for (const key of ['model_name_or_path', 'judge_model_name_or_path', 'gold', 'reward_funcs']) {
    await read(`#/set-up?${key}=${path}`);
  }
  const datasets = JSON.stringify([{ path: 'json', data_files: [decodeURIComponent(path)] }]);
  await read(`#datasets=${encodeURIComponent(datasets)}`);
  // A text that is no address of its own is a path on the page's server.
  expect(fetched.filter((url) => new URL(url).origin !== new URL(PAGE).origin)).toEqual([]);
});

it('a path beside the page is fetched', async () => {
  await read('#model_name_or_path=public/models/policy');
  expect(fetched[0]).toBe('https://ponder.example/some/where/models/policy/config.json');
});
