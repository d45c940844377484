/** The forms of tokenizer.json against the library tokenizers 0.23: see make_tokenizers.py. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TextTokenizer } from '../../src/model/tokenizers/text-tokenizer.ts';

interface Form {
  json: Record<string, unknown> & { model: number };
  rows: string[];
  fragments: [ids: number[], text: string, plain: string][];
}

const { texts, models, forms } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'tokenizers.json'), 'utf8'),
) as { texts: string[]; models: unknown[]; forms: Record<string, Form> };

const hash = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);

describe('a tokenizer as the library tokenizers', () => {
  it.each(Object.entries(forms))('%s', (_, { json, rows, fragments }) => {
    const tokenizer = new TextTokenizer({ ...json, model: models[json.model] });
    texts.forEach((text, i) => {
      const [ids, all] = [false, true].map((withSpecial) =>
        tokenizer.encode(text, withSpecial).map(({ id }) => id),
      );
      const decoded = [false, true].map((skip) => tokenizer.decode(all as number[], skip));
      const row = [ids, all, ...decoded];
      expect(hash(row), `${JSON.stringify(text)} gives ${JSON.stringify(row)}`).toBe(rows[i]);
    });
    for (const [ids, text, plain] of fragments) {
      expect([tokenizer.decode(ids), tokenizer.decode(ids, true)]).toEqual([text, plain]);
    }
  });
});
