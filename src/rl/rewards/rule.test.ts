import { describe, expect, it } from 'vitest';
import { ruleName } from '../recipe/reward-names.ts';
import { Rule, RuleError } from './rule.ts';

const asRule = (body: string): string => `export default function (prompt, response) { ${body} }`;

async function judge(source: string, response = 'yes', prompt = 'well?'): Promise<number> {
  const rule = await Rule.open('rules/mine.js', source);
  try {
    return (await rule.score([{ prompt, response }]))[0]!;
  } finally {
    rule.destroy();
  }
}

async function refusal(source: string): Promise<string> {
  const error: unknown = await judge(source).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(RuleError);
  const { message } = error as RuleError;
  expect(message).toMatch(/^rule mine /);
  expect(message).not.toContain('\n');
  return message;
}

it('a rule has the name of its file', () => {
  expect(['a/b/short-answer.js', 'stored:polite.js', 'C:\\x\\y.mjs', 'z'].map(ruleName)).toEqual([
    'short-answer',
    'polite',
    'y',
    'z',
  ]);
});

describe('a rule', () => {
  it('reads the other columns of the row, which it cannot change', async () => {
    const source = `export default (prompt, response, row) => {
      row.seen = (row.seen ?? 0) + row.list.length;
      return row.__proto__ === Object.prototype || row.nested.x === null ? row.seen : -1;
    }`;
    const rule = await Rule.open('rules/mine.js', source);
    const columns = JSON.parse(
      '{"list": [1, 2], "nested": {"x": null}, "__proto__": {}}',
    ) as object;
    const text = { prompt: 'a', response: 'b', columns: columns as Record<string, unknown> };
    expect(await rule.score([text, text])).toEqual([2, 2]);
    rule.destroy();
    expect(await judge(asRule('return arguments[2].answer === undefined'))).toBe(1);
  });

  it('reads prompts and responses, and returns a number for each, in order', async () => {
    const source = asRule('return prompt.length + 100 * response.length');
    const rule = await Rule.open('rules/mine.js', source);
    const texts = [
      { prompt: 'ab', response: 'c' },
      { prompt: 'é', response: '' },
    ];
    expect(await rule.score(texts)).toEqual([102, 1]);
    expect(await rule.score([])).toEqual([]);
    rule.destroy();
  });

  it('may return true or false, be an arrow function, and use all of the language', async () => {
    expect(await judge(asRule('return response === "yes"'))).toBe(1);
    expect(await judge(asRule('return response === "no"'))).toBe(0);
    const source = `const WORDS = new Set(['yes']);
      const words = (text) => text.normalize('NFC').match(/\\p{L}+/gu) ?? [];
      export default (prompt, response) => words(response).filter((w) => WORDS.has(w)).length / 4;`;
    expect(await judge(source, 'yes, é yes')).toBe(0.5);
  });

  it('remembers nothing from one response to the next', async () => {
    const source = `let calls = 0;
      export default () => { globalThis.all = (globalThis.all ?? 0) + 1; Array.prototype.x = all;
        return 10 * ++calls + globalThis.all; };`;
    const rule = await Rule.open('mine.js', source);
    const text = { prompt: '', response: '' };
    expect(await rule.score([text, text])).toEqual([11, 11]);
    expect(await rule.score([text])).toEqual([11]);
    rule.destroy();
    expect('x' in []).toBe(false);
  });

  it('judges the next response after one that needed too much memory', async () => {
    const bomb = 'for (const a = []; response === "all"; ) a.push(new Uint8Array(1e6)); return 2';
    const rule = await Rule.open('mine.js', asRule(bomb));
    const score = (response: string) => rule.score([{ prompt: '', response }]);
    await expect(score('all')).rejects.toThrow(/more than 32 MB/);
    expect(await score('some')).toEqual([2]);
    rule.destroy();
  });

  it('has no network, page, process, file, clock or random numbers', async () => {
    const names = [
      ...['fetch', 'XMLHttpRequest', 'WebSocket', 'Worker', 'importScripts', 'self', 'window'],
      ...['document', 'navigator', 'process', 'require', 'Buffer', 'console', 'performance'],
      ...['Date', 'setTimeout', 'WebAssembly', 'std', 'os', 'Math.random'],
    ];
    const known = names.map((name) => `typeof ${name} === 'undefined' ? 0 : 1`);
    expect(await judge(asRule(`return ${known.join(' + ')}`))).toBe(0);
    // This would escape from a sandbox that shares its objects with the host.
    const escape = 'return this?.constructor?.constructor("return typeof process")() === "object"';
    expect(await judge(asRule(escape.replace('this?', 'prompt')))).toBe(0);
    expect(await refusal('import fs from "node:fs"; export default () => 1')).toMatch(/failed: /);
  });
});

describe('a rule that fails is named, with the reason:', () => {
  it.each([
    ['no JavaScript', 'export default function (', /failed: SyntaxError: .*correct it$/],
    ['no function', 'export const reward = 1', /no function as its default export; write/],
    ['nothing', '', /no function as its default export; write/],
    ['throws', asRule('\nthrow new Error("a\\nb")'), /failed: Error: a.*\(line 2\); correct it$/],
    ['throws a number', asRule('throw 7'), /^rule mine failed: it threw 7; correct it$/],
    [
      'throws a long name',
      asRule('throw { name: "n\\n".repeat(1e4), message: "m" }'),
      /^.{100,200}$/,
    ],
    ['an unknown name', asRule('return x'), /failed: ReferenceError: .*x.* not defined/],
    ['NaN', asRule('return 0 / 0'), /returned NaN for the response "yes"; it must return a finite/],
    ['infinity', asRule('return 1 / 0'), /returned Infinity for/],
    ['a text', asRule('return "9"'), /returned string for/],
    ['no result', asRule(''), /returned undefined for/],
    ['null', asRule('return null'), /returned null for/],
    ['a promise', 'export default async () => 1', /returned object for/],
    ['an endless loop', asRule('for (;;);'), /longer than 1 s for a response; check for a loop/],
    ['an endless loop at the top', 'for (;;); export default () => 1', /longer than 1 s/],
    ['a slow pattern', asRule('return /^(a+)+$/.test("a".repeat(50) + "b")'), /longer than 1 s/],
    ['a memory bomb', asRule('for (const a = []; ; ) a.push(new Uint8Array(1e6))'), /than 32 MB/],
    ['many small ones', asRule('for (const a = []; ; ) a.push(new Uint8Array(1e5))'), /than 32 MB/],
    ['a growing text', asRule('let s = "x"; for (;;) s += s'), /out of memory|32 MB|too long/],
    ['no end of calls', asRule('const f = () => 1 + f(); return f()'), /failed: .*stack/i],
  ])('%s', async (_, source, message) => {
    expect(await refusal(source)).toMatch(message);
    // The next rule still works.
    expect(await judge(asRule('return 2'))).toBe(2);
  });
});
