/** A checkpoint's special tokens, taken from the files where transformers takes them. */
import { readJson, type CheckpointFolder } from '../files.ts';

type Json = Readonly<Record<string, unknown>>;

/** A text, or an added token {"content": "<s>", ...}. */
export type SpecialToken = string | { content: string };

export interface SpecialTokens {
  readonly named: ReadonlyMap<string, SpecialToken>;
  /** Those without a name. */
  readonly extra: readonly SpecialToken[];
}

/** The names that every tokenizer of transformers knows. */
export const NAMED: readonly string[] = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map(
  (name) => `${name}_token`,
);

/**
 * From `config`, tokenizer_config.json, and where that lists no added tokens, also from
 * special_tokens_map.json, which comes first.
 * @param byDefault the tokens of a folder that does not name them; a null in a file is a token less
 */
export async function specialTokens(
  folder: CheckpointFolder,
  config: Json,
  byDefault: Json,
): Promise<SpecialTokens> {
  const map = config.added_tokens_decoder
    ? {}
    : ((await readJson(folder, 'special_tokens_map.json')) ?? {});
  const fields: Json = { ...byDefault, ...config, ...map };
  const named = new Map<string, SpecialToken>();
  const add = (name: string, value: unknown): void => {
    if (isToken(value)) named.set(name, value);
  };
  for (const name of NAMED) add(name, fields[name]);
  for (const [name, value] of Object.entries(fields)) {
    // Tokens of one model, such as image_token, are given as texts.
    if (name.endsWith('_token') && typeof value === 'string') add(name, value);
  }
  for (const { extra_special_tokens, model_specific_special_tokens } of [config, map as Json]) {
    for (const field of [extra_special_tokens, model_specific_special_tokens]) {
      if (Array.isArray(field)) continue;
      for (const [name, value] of Object.entries(field ?? {})) add(name, value);
    }
  }
  return { named, extra: extraTokens(config, map) };
}

export const contentOf = (token: SpecialToken): string =>
  typeof token === 'string' ? token : token.content;

/** The old name of the list, additional_special_tokens, counts where the new one does not stand. */
function extraTokens(config: Json, map: Json): SpecialToken[] {
  const list = (value: unknown): SpecialToken[] =>
    Array.isArray(value) ? (value as unknown[]).filter(isToken) : [];
  const own = list(config.extra_special_tokens);
  const isOld = own.length === 0 && 'additional_special_tokens' in config;
  const inConfig = isOld ? list(config.additional_special_tokens) : own;
  if ('extra_special_tokens' in map) return [...inConfig, ...list(map.extra_special_tokens)];
  if (isOld || 'extra_special_tokens' in config) return inConfig;
  return list(map.additional_special_tokens);
}

const isToken = (value: unknown): value is SpecialToken =>
  typeof value === 'string' || typeof (value as { content?: unknown } | null)?.content === 'string';
