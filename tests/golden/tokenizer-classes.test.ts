/** Tokenizers by class and model type against transformers 5.24: see make_tokenizer_classes.py. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../../src/model/errors.ts';
import { droppedFolder } from '../../src/model/files.ts';
import { Tokenizer } from '../../src/model/tokenizer.ts';

type Json = Record<string, unknown>;
type ByName<T> = Record<string, T>;

interface Variant {
  /** Of tokenizer.json; for some variants by base. */
  parts: Json;
  files: ByName<Json>;
}

const { texts, bases, variants, classes, cases } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'tokenizer-classes.json'), 'utf8'),
) as {
  texts: string[];
  bases: ByName<Json>;
  variants: ByName<Variant>;
  classes: ByName<boolean>;
  /** By model type, tokenizer class, variant and base. */
  cases: ByName<ByName<ByName<ByName<string>>>>;
};

const hash = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);

function load(modelType: string, tokenizerClass: string, variant: string, base: string) {
  const { parts, files }: Variant = variants[variant] ?? { parts: {}, files: {} };
  const [, inConfig] = /^config:(.+)/.exec(tokenizerClass) ?? [];
  const all: ByName<Json> = {
    ...files,
    'tokenizer.json': { ...bases[base], ...(base in parts ? (parts[base] as Json) : parts) },
    'tokenizer_config.json': {
      ...files['tokenizer_config.json'],
      ...(tokenizerClass !== '' && !inConfig && { tokenizer_class: tokenizerClass }),
    },
    'config.json': {
      ...(modelType !== '' && { model_type: modelType }),
      ...(inConfig && { tokenizer_class: inConfig }),
    },
  };
  const blobs = Object.entries(all).map(
    ([name, content]) => [name, new Blob([JSON.stringify(content)])] as const,
  );
  return Tokenizer.load(droppedFolder(new Map(blobs)));
}

function attempt<T>(run: () => T): T | null {
  try {
    return run();
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}

const named = Object.entries(cases).flatMap(([modelType, ofType]) =>
  Object.keys(ofType).map((tokenizerClass) => [modelType, tokenizerClass] as const),
);

describe('a tokenizer as transformers builds it', () => {
  it.each(named)('model type "%s", class "%s"', async (modelType, tokenizerClass) => {
    for (const [variant, ofBases] of Object.entries(cases[modelType]![tokenizerClass]!)) {
      for (const [base, expected] of Object.entries(ofBases)) {
        const tokenizer = load(modelType, tokenizerClass, variant, base);
        if (expected === '-') {
          await expect(tokenizer).rejects.toThrow(/^your files\/tokenizer\.json cannot be used/);
          continue;
        }
        const own = await tokenizer;
        const rows = texts.map((text) =>
          attempt(() => {
            const all = own.encodePrompt(text);
            const decoded = [false, true].map((skipSpecial) => own.decode(all, { skipSpecial }));
            return [own.encode(text), all, ...decoded];
          }),
        );
        const special = [own.bosTokenId, own.eosTokenId, own.padTokenId, own.unkTokenId];
        const value = [special.map((id) => id ?? null), ...rows];
        expect(hash(value), `${variant}, ${base}: ${JSON.stringify(value)}`).toBe(expected);
      }
    }
  });

  it('is read only if its class uses tokenizer.json as it is, or is computed', async () => {
    const computed = new Set(Object.keys(cases.llama!));
    for (const [name, isUsed] of Object.entries(classes)) {
      if (computed.has(name)) continue;
      const tokenizer = load('llama', name, '', 'words');
      if (isUsed) await tokenizer;
      else {
        await expect(tokenizer).rejects.toThrow(
          `your files/tokenizer.json cannot be used (transformers does not use it as it is for the ` +
            `tokenizer_class ${name}); if its tokens are the right ones, set tokenizer_class to ` +
            'PreTrainedTokenizerFast in your files/tokenizer_config.json',
        );
      }
    }
  });
});
