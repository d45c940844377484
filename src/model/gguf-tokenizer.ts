/** tokenizer.json and tokenizer_config.json of a GGUF file: its vocabulary, as transformers has such ones. */
import { CheckpointError } from './errors.ts';
import type { GgufHeader, GgufValue } from './gguf-header.ts';

type Json = Record<string, unknown>;

interface GgufTokenizer {
  readonly tokenizer: Json;
  readonly config: Json;
  /** Ids of the special tokens, for config.json. */
  readonly ids: { bos?: number; eos: number[]; pad?: number };
  readonly template: string | undefined;
}

const LETTERS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|";
const REST = '| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const LLAMA3 = `${LETTERS}\\p{N}{1,3}${REST}`;
const QWEN2 = `${LETTERS}\\p{N}${REST}`;
const byteLevel = (use_regex: boolean): Json => ({
  ...{ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex },
});
const splitBy = (regex: string): Json => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
    byteLevel(false),
  ],
});
const DIGITS_FIRST: Json = {
  type: 'Sequence',
  pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel(true)],
};

/** How texts are cut into words, by `tokenizer.ggml.pre` (llama-vocab.cpp). */
const CUTS: Readonly<Record<string, { cut: Json; normalizer?: Json; whole?: true; bos?: true }>> = {
  'llama-bpe': { cut: splitBy(LLAMA3), whole: true, bos: true },
  llama3: { cut: splitBy(LLAMA3), whole: true, bos: true },
  'llama-v3': { cut: splitBy(LLAMA3), whole: true, bos: true },
  'smaug-bpe': { cut: splitBy(LLAMA3), whole: true },
  dbrx: { cut: splitBy(LLAMA3) },
  qwen2: { cut: splitBy(QWEN2), normalizer: { type: 'NFC' } },
  'deepseek-r1-qwen': { cut: splitBy(QWEN2), normalizer: { type: 'NFC' } },
  'gpt-2': { cut: byteLevel(true) },
  olmo: { cut: byteLevel(true) },
  smollm: { cut: DIGITS_FIRST },
  starcoder: { cut: DIGITS_FIRST },
  refact: { cut: DIGITS_FIRST },
};

/**
 * The name in llama.cpp of the way in which a tokenizer.json cuts texts into words.
 * @param whole a word that is a token is not put together (ignore_merges)
 */
export function cutName(preTokenizer: unknown, whole: boolean): string | undefined {
  const wanted = JSON.stringify(plainCut(preTokenizer));
  return Object.keys(CUTS).find((name) => {
    const { cut, whole: isWhole = false } = CUTS[name]!;
    return isWhole === whole && JSON.stringify(plainCut(cut)) === wanted;
  });
}

/** What changes the words, in one order and with the library's defaults. */
function plainCut(part: unknown): unknown {
  const given = (part ?? {}) as Json;
  switch (given.type) {
    case 'Sequence': {
      const steps = (given.pretokenizers as unknown[]).map(plainCut);
      return steps.length === 1 ? steps[0] : steps;
    }
    case 'ByteLevel':
      return ['ByteLevel', given.add_prefix_space ?? true, given.use_regex ?? true];
    case 'Split':
      return ['Split', given.pattern, given.behavior, given.invert ?? false];
    case 'Digits':
      return ['Digits', given.individual_digits ?? false];
    default:
      return given;
  }
}

/** Kinds of tokens: `tokenizer.ggml.token_type`. */
export const NORMAL = 1;
export const UNKNOWN = 2;
export const CONTROL = 3;
export const USER_DEFINED = 4;
export const UNUSED = 5;
export const BYTE = 6;

/**
 * Ends of turns and of messages. Few files name them in a key, so llama.cpp finds them by their texts,
 * and takes them for control tokens (llama-vocab.cpp).
 */
const ENDS: ReadonlySet<string> = new Set([
  ...['<|eot_id|>', '<|im_end|>', '<|end|>', '<end_of_turn>', '<|endoftext|>', '<|end_of_text|>'],
  ...['<EOT>', '_<EOT>', '[EOT]', '<｜end▁of▁sentence｜>', '<end_of_utterance>', '<|eom_id|>'],
]);

/** @throws CheckpointError for a kind of vocabulary that is not read */
export function ggufTokenizer({ values }: GgufHeader, path: string): GgufTokenizer {
  const get = (key: string): GgufValue | undefined => values.get(`tokenizer.ggml.${key}`);
  const tokens = get('tokens');
  if (!Array.isArray(tokens) || tokens.length === 0 || typeof tokens[0] !== 'string') {
    throw new CheckpointError(
      `${path} has no vocabulary (tokenizer.ggml.tokens); convert it again`,
    );
  }
  const kind = get('model');
  const vocabulary: Vocabulary = { path, tokens: tokens as string[], get };
  const {
    model,
    bos: bosByDefault,
    ids: idsByDefault = {},
    ...pipeline
  } = kind === 'gpt2'
    ? bytePairs(vocabulary)
    : kind === 'llama'
      ? pieces(vocabulary)
      : refuse(path, kind);
  const types = (get('token_type') ?? []) as number[];
  const idOf = (name: string): number | undefined =>
    [get(`${name}_token_id`), idsByDefault[name]].find(
      (id): id is number => typeof id === 'number' && vocabulary.tokens[id] !== undefined,
    );
  const text = (id: number | undefined): string | null =>
    id === undefined ? null : vocabulary.tokens[id]!;
  const [bos, eos, pad] = ['bos', 'eos', 'padding'].map(idOf);
  const turnEnd = idOf('eot');
  const isEnd = (content: string): boolean => turnEnd === undefined && ENDS.has(content);
  const found = vocabulary.tokens.flatMap((content, id) => (isEnd(content) ? [id] : []));
  const ends = [eos, turnEnd, idOf('eom'), ...found].filter((id) => id !== undefined);
  const added = vocabulary.tokens.flatMap((content, id) => {
    const type = isEnd(content) ? CONTROL : types[id];
    if (type !== CONTROL && type !== USER_DEFINED && type !== UNKNOWN) return [];
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content, ...flags, special: type !== USER_DEFINED }];
  });
  const withBos = (get('add_bos_token') ?? bosByDefault) === true && bos !== undefined;
  const template = values.get('tokenizer.chat_template');
  // Templates for other uses, such as tools.
  const others = [...values].flatMap(([key, value]) => {
    const [, name] = /^tokenizer\.chat_template\.(.+)$/.exec(key) ?? [];
    return name === undefined ? [] : [[name, value]];
  });
  return {
    tokenizer: {
      ...{ version: '1.0', truncation: null, padding: null, added_tokens: added },
      ...pipeline,
      post_processor: withBos ? bosFirst(bos, text(bos)!) : null,
      model,
    },
    config: {
      ...{ tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false },
      ...{ bos_token: text(bos), eos_token: text(eos), pad_token: text(pad) },
      unk_token: text(idOf('unknown')),
      ...(others.length > 0 && { chat_template: Object.fromEntries(others) as object }),
    },
    ids: {
      ...(bos !== undefined && { bos }),
      ...(pad !== undefined && { pad }),
      eos: [...new Set(ends)],
    },
    template: typeof template === 'string' ? template : undefined,
  };
}

interface Vocabulary {
  readonly path: string;
  readonly tokens: readonly string[];
  readonly get: (key: string) => GgufValue | undefined;
}

interface Pipeline {
  readonly model: Json;
  /** Whether texts begin with BOS where the file does not say. */
  readonly bos: boolean;
  /** Special tokens where the file has no key for them, as in llama.cpp. */
  readonly ids?: Readonly<Record<string, number>>;
  readonly normalizer: Json | null;
  readonly pre_tokenizer: Json | null;
  readonly decoder: Json;
}

function refuse(path: string, kind: GgufValue | undefined): never {
  throw new CheckpointError(
    `${path} has a vocabulary of kind ${String(kind ?? '(none)')}, and only gpt2 and llama are read; ` +
      "choose the model's Hugging Face folder",
  );
}

const idsOf = (tokens: readonly string[]): Record<string, number> =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));

/** Byte pairs, as GPT-2, Llama 3 and Qwen have them. */
function bytePairs({ path, tokens, get }: Vocabulary): Pipeline {
  const pre = String(get('pre') ?? '(none)');
  const merges = get('merges');
  if (!Array.isArray(merges)) {
    throw new CheckpointError(
      `${path} has no merges of its vocabulary (tokenizer.ggml.merges); convert it again`,
    );
  }
  if (!Object.hasOwn(CUTS, pre)) {
    throw new CheckpointError(
      `${path} cuts texts into words in the way ${pre}, and only ${Object.keys(CUTS).join(', ')} ` +
        "are read; choose the model's Hugging Face folder",
    );
  }
  const { cut, normalizer, whole, bos } = CUTS[pre]!;
  const model = { type: 'BPE', vocab: idsOf(tokens), merges, ignore_merges: whole ?? false };
  return {
    ...{ model, bos: bos ?? false, normalizer: normalizer ?? null, pre_tokenizer: cut },
    decoder: byteLevel(true),
  };
}

/** SentencePiece's byte pairs, as Llama 2 and Gemma have them. */
function pieces({ path, tokens, get }: Vocabulary): Pipeline {
  const scores = get('scores');
  if (!Array.isArray(scores) || scores.length !== tokens.length) {
    throw new CheckpointError(`${path} has no scores of its vocabulary; convert it again`);
  }
  const types = (get('token_type') ?? []) as number[];
  const unknown = types.indexOf(UNKNOWN);
  const prefix = get('add_space_prefix') !== false;
  const model = {
    ...{ type: 'BPE', vocab: idsOf(tokens), merges: mergesOf(tokens, scores as number[], types) },
    ...{ unk_token: tokens[unknown] ?? null, fuse_unk: true, byte_fallback: true },
  };
  const decoders = [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
  ];
  return {
    model,
    bos: true,
    ids: { bos: 1, eos: 2 },
    normalizer: prefix ? null : { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    pre_tokenizer: prefix
      ? { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false }
      : null,
    decoder: { type: 'Sequence', decoders },
  };
}

/**
 * Every way to put a token together from two others, the token with the highest score first
 * (transformers, generate_merges).
 */
export function mergesOf(
  tokens: readonly string[],
  scores: readonly number[],
  types: readonly number[],
): [string, string][] {
  const known = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (types[id] !== CONTROL && types[id] !== UNKNOWN) known.set(token, id);
  });
  const merges: { pair: [string, string]; score: number; first: number }[] = [];
  for (const [token, id] of known) {
    if (types[id] === USER_DEFINED) continue;
    for (let cut = 1, first = 1; cut < token.length; cut++) {
      if (isInside(token, cut)) continue;
      const pair: [string, string] = [token.slice(0, cut), token.slice(cut)];
      if (known.has(pair[0]) && known.has(pair[1]))
        merges.push({ pair, score: scores[id]!, first });
      first++;
    }
  }
  // Of one token and of equal scores, the longest first half, then the longest second half.
  merges.sort(
    (a, b) => b.score - a.score || b.first - a.first || b.pair[1].length - a.pair[1].length,
  );
  return merges.map(({ pair }) => pair);
}

/** Whether a cut would part the two units of one character. */
const isInside = (text: string, at: number): boolean => (text.charCodeAt(at) & 0xfc00) === 0xdc00;

function bosFirst(id: number, token: string): Json {
  const special = { SpecialToken: { id: token, type_id: 0 } };
  const sequence = (name: string): Json => ({ Sequence: { id: name, type_id: 0 } });
  return {
    type: 'TemplateProcessing',
    single: [special, sequence('A')],
    pair: [special, sequence('A'), sequence('B')],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}
