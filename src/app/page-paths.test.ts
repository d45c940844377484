import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { baseAmong, pageBaseFolder, pageModelFolder, pageUrl } from './page-paths.ts';
import { readPageFile } from './stored-data.ts';

const PAGE = 'https://ponder.example/some/where/';

beforeEach(() => {
  vi.stubGlobal('self', { document: { baseURI: `${PAGE}index.html` } });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('pageUrl', () => {
  it('takes paths from the page or the source tree, in the page and in a built worker', () => {
    expect(pageUrl('models/policy')).toBe(`${PAGE}models/policy`);
    expect(pageUrl('public/models/policy')).toBe(`${PAGE}models/policy`);
    expect(pageUrl('/models/policy')).toBe('https://ponder.example/models/policy');
    const location = new URL(`${PAGE}assets/policy.worker-1.js`);
    vi.stubGlobal('self', { location });
    expect(pageUrl('models/policy')).toBe(`${PAGE}models/policy`);
  });

  const elsewhere = [
    'https://elsewhere.example/model',
    'http://ponder.example/model', // another protocol
    'https://ponder.example:8080/model',
    'https://ponder.example@elsewhere.example/model',
    'public///elsewhere.example/model',
    '//elsewhere.example/model',
    '\\\\elsewhere.example/model',
    '/\t/elsewhere.example/model',
    ' https://elsewhere.example/model',
    'data:application/json,{}',
    'blob:https://ponder.example/0b5c',
    'file:///etc/passwd',
    'javascript:alert(1)',
  ];
  it.each([
    ['org/my-base', 'my-base'],
    ['/home/me/models/my-base/', 'my-base'],
    ['C:\\Users\\me\\my-base', 'my-base'],
    ['stored:my-base', 'my-base'],
    ['org/other', undefined],
  ])('an adapter finds its base %s by the last part', (base, found) => {
    expect(baseAmong(['my-base', 'base'], base)).toBe(found);
  });

  it.each(elsewhere)('nothing is fetched from %j, model or data', async (path) => {
    const fetched = vi.fn();
    vi.stubGlobal('fetch', fetched);
    expect(() => pageUrl(path)).toThrow("not on this page's own server");
    await expect(pageModelFolder(path)).rejects.toThrow('drop them on the page');
    await expect(readPageFile(path)).rejects.toThrow('drop them on the page');
    expect(fetched).not.toHaveBeenCalled();
  });
});

describe('a model of the Hub', () => {
  const name = 'HuggingFaceTB/SmolLM2-135M-Instruct';
  const download =
    'Ponder downloads nothing; if it is a model of the Hugging Face Hub, download it first with ' +
    `\`hf download ${name} --local-dir SmolLM2-135M-Instruct\`, and drop that folder on the page`;
  const served = (file: string, status: number): void => {
    const answer = (url: string) =>
      Promise.resolve(new Response('{}', { status: url === PAGE + file ? status : 404 }));
    vi.stubGlobal('fetch', vi.fn(answer));
  };

  it('is answered with the command that downloads it', async () => {
    served('nothing', 404);
    await expect(pageModelFolder(name)).rejects.toThrow(
      `${name} does not come with this page, and ${download}`,
    );
    const storage = { getDirectory: () => Promise.resolve(emptyFolder) };
    vi.stubGlobal('navigator', { storage });
    await expect(pageBaseFolder(name)).rejects.toThrow(
      `it is not stored in this browser, and ${download}`,
    );
    await expect(pageBaseFolder('/home/me/base')).rejects.toThrow(
      'it is not stored in this browser; drop /home/me/base on the page too',
    );
  });

  it.each(['config.json', 'adapter_config.json'])(
    'may be called as a folder of the page is, with its %s',
    async (file) => {
      served(`models/policy/${file}`, 200);
      expect(await pageModelFolder('models/policy')).toMatchObject({
        name: `${PAGE}models/policy`,
      });
    },
  );
});

const emptyFolder = {
  getDirectoryHandle: () => Promise.resolve(emptyFolder),
  keys: () => [],
};
