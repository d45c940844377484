/** A tokenizer and its chat template as the keys of a GGUF file. */
import { CheckpointError } from '../errors.ts';
import {
  BYTE,
  CONTROL,
  cutName,
  mergesOf,
  NORMAL,
  UNKNOWN,
  UNUSED,
  USER_DEFINED,
} from '../gguf-tokenizer.ts';
import type { CheckpointFolder } from '../files.ts';
import { readTokenizer, type TokenizerParts } from '../tokenizer-parts.ts';
import type { AddedToken } from '../tokenizers/added-tokens.ts';
import { contentOf } from '../tokenizers/special-tokens.ts';
import { TextTokenizer } from '../tokenizers/text-tokenizer.ts';
import type { ModelConfig } from '../config.ts';
import { bool, text, uint32, type Written } from './header.ts';

interface BytePairs {
  readonly type: string;
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (string | readonly [string, string])[];
  readonly ignore_merges?: boolean;
  readonly byte_fallback?: boolean;
  readonly unk_token?: string | null;
}

/** Tokens by id, and their kinds. */
interface Tokens {
  readonly texts: string[];
  readonly kinds: number[];
}

/** End tokens have these names, in order: of a text, of a turn, of a message. */
const ENDS = ['eos', 'eot', 'eom'];

/** @throws CheckpointError when llama.cpp would make other tokens of a text */
export async function ggufVocabulary(
  folder: CheckpointFolder,
  config: ModelConfig,
): Promise<Map<string, Written>> {
  const parts = await readTokenizer(folder);
  const path = `${folder.name}/tokenizer.json`;
  const { json, ownIds, special, template } = parts;
  // A token that transformers adds may have no row.
  const rows = Math.max(ownIds, config.vocabSize);
  const added = (json.added_tokens as AddedToken[]).filter(({ id }) => id < rows);
  const model = json.model as BytePairs;
  if (model.type !== 'BPE') throw cannot(path, `its vocabulary is of kind ${model.type}`);
  const values = new Map<string, Written>();
  const set = (key: string, value: Written): void =>
    void values.set(`tokenizer.ggml.${key}`, value);
  const tokens = tokensOf(model, added, config.vocabSize, path);
  const ofKind = model.byte_fallback
    ? pieces(json, model, tokens, path)
    : bytePairs(json, model, path);
  for (const [key, value] of Object.entries(ofKind)) set(key, value);
  set('tokens', { kind: 'texts', values: tokens.texts });
  set('token_type', { kind: 'int32s', values: tokens.kinds });
  for (const [name, id] of specialIds(parts, config, path)) {
    if (id < rows) set(`${name}_token_id`, uint32(id));
  }
  const contentBy = (name: string): string | undefined => {
    const token = special.get(name);
    return token === undefined ? undefined : contentOf(token);
  };
  const around = new TextTokenizer(json).encode('', true).map((token) => token.text);
  const [bos, eos] = [contentBy('bos_token'), contentBy('eos_token')];
  const withBos = around.length > 0 && around[0] === bos;
  const withEos = around.length > (withBos ? 1 : 0) && around.at(-1) === eos;
  if (around.length !== Number(withBos) + Number(withEos)) {
    throw cannot(path, `it puts ${around.join(' ')} around a text`);
  }
  set('add_bos_token', bool(withBos));
  set('add_eos_token', bool(withEos));
  if (template) values.set('tokenizer.chat_template', text(template.source));
  return values;
}

const cannot = (path: string, why: string): CheckpointError =>
  new CheckpointError(
    `${path} has no equal in llama.cpp: ${why}; save it as a folder (--to hf, an adapter --to merged)`,
  );

function tokensOf(
  { vocab, byte_fallback, unk_token }: BytePairs,
  added: readonly AddedToken[],
  size: number,
  path: string,
): Tokens {
  const texts = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const kinds = Array.from({ length: size }, () => UNUSED);
  for (const [token, id] of Object.entries(vocab)) {
    texts[id] = token;
    kinds[id] = NORMAL;
    if (byte_fallback && /^<0x[0-9A-F]{2}>$/.test(token)) kinds[id] = BYTE;
  }
  for (const token of added) {
    if (token.single_word || token.lstrip || token.rstrip) {
      throw cannot(path, `its token ${token.content} takes what stands beside it into account`);
    }
    texts[token.id] = token.content;
    kinds[token.id] = token.special ? CONTROL : USER_DEFINED;
    if (byte_fallback && token.content === unk_token) kinds[token.id] = UNKNOWN;
    // llama.cpp compares such tokens with the text itself.
    if (byte_fallback && !token.special) texts[token.id] = token.content.replaceAll('▁', ' ');
  }
  return { texts, kinds };
}

const partsOf = (merge: string | readonly [string, string]): readonly [string, string] => {
  if (typeof merge !== 'string') return merge;
  const space = merge.indexOf(' ', 1);
  return [merge.slice(0, space), merge.slice(space + 1)];
};

/** llama.cpp does not normalise texts of such a vocabulary; composed characters (NFC) are what they are. */
function bytePairs(
  json: TokenizerParts['json'],
  { merges, ignore_merges = false }: BytePairs,
  path: string,
): Record<string, Written> {
  const { type } = (json.normalizer ?? { type: 'NFC' }) as { type: string };
  if (type !== 'NFC') throw cannot(path, `it normalises texts (${type})`);
  const pre = cutName(json.pre_tokenizer, ignore_merges);
  if (pre === undefined) throw cannot(path, 'it cuts texts into words in another way');
  return {
    model: text('gpt2'),
    pre: text(pre),
    merges: { kind: 'texts', values: merges.map((merge) => partsOf(merge).join(' ')) },
  };
}

/** SentencePiece's byte pairs: llama.cpp puts the token with the highest score together first. */
function pieces(
  json: TokenizerParts['json'],
  { merges }: BytePairs,
  { texts, kinds }: Tokens,
  path: string,
): Record<string, Written> {
  const pairs = merges.map(partsOf);
  const ranks = new Map<string, number>();
  for (const pair of pairs) if (!ranks.has(pair.join(''))) ranks.set(pair.join(''), ranks.size);
  const scores = texts.map((token, id) =>
    kinds[id] === NORMAL ? -(ranks.get(token) ?? ranks.size) : kinds[id] === UNUSED ? -1e4 : 0,
  );
  const known = new Set(pairs.map((pair) => pair.join('\0')));
  const made = mergesOf(texts, scores, kinds);
  const order = made.map((pair) => ranks.get(pair.join(''))!);
  const isSame =
    made.length === pairs.length &&
    made.every((pair) => known.has(pair.join('\0'))) &&
    order.every((rank, i) => i === 0 || rank >= order[i - 1]!);
  if (!isSame) throw cannot(path, 'its merges do not follow from an order of its tokens');
  return {
    model: text('llama'),
    pre: text('default'),
    scores: { kind: 'float32s', values: scores },
    add_space_prefix: bool(hasPrefix(json, path)),
  };
}

/** Whether each text between special tokens begins with a space that is not written. */
function hasPrefix(json: TokenizerParts['json'], path: string): boolean {
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const prepend = { type: 'Prepend', prepend: '▁' };
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const cut = json.pre_tokenizer as { type?: string; prepend_scheme?: string } | null;
  if (same(json.normalizer, { type: 'Sequence', normalizers: [prepend, replace] }) && !cut) {
    return true;
  }
  if (same(json.normalizer, replace) && (!cut || isIdle(cut))) return false;
  if (!json.normalizer && cut?.type === 'Metaspace') {
    if (cut.prepend_scheme === 'never') return false;
    throw cannot(path, 'it puts a space before the first word alone');
  }
  throw cannot(path, 'it changes texts in another way before it cuts them');
}

/** Gemma's tokenizer cuts at spaces that its normalizer has replaced before. */
const isIdle = (cut: { type?: string; pattern?: { String?: string } }): boolean =>
  cut.type === 'Split' && cut.pattern?.String === ' ';

function specialIds(
  { json, special }: TokenizerParts,
  config: ModelConfig,
  path: string,
): [string, number][] {
  const tokenizer = new TextTokenizer(json);
  const idOf = (name: string): number | undefined => {
    const token = special.get(`${name}_token`);
    return token === undefined ? undefined : tokenizer.id(contentOf(token));
  };
  const eos = idOf('eos');
  const ends = [...new Set([...(eos === undefined ? [] : [eos]), ...config.eosTokenIds])];
  if (ends.length > ENDS.length) {
    throw cannot(path, `the model has ${ends.length} end tokens, and a GGUF file names three`);
  }
  const ids = [
    ['bos', idOf('bos') ?? config.bosTokenId],
    ['padding', idOf('pad') ?? config.padTokenId],
    ['unknown', idOf('unk')],
    ...ends.map((id, i) => [ENDS[i]!, id] as const),
  ] as const;
  return ids.filter((entry): entry is [string, number] => entry[1] !== undefined);
}
