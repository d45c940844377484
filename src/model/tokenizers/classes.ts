/**
 * Which class of transformers 5.24 a folder's tokenizer has, and what that class builds. Most classes take
 * only the vocabulary, the merges and the post-processor from tokenizer.json.
 */
import { NOT_COMPUTED } from './other-classes.ts';

type Json = Readonly<Record<string, unknown>>;

export interface TokenizerClass {
  /** The special tokens of a folder that names none; null is none. */
  readonly special: Readonly<Record<string, string | null>>;
  /**
   * The parts of tokenizer.json that it replaces.
   * @param config tokenizer_config.json
   * @param unknown unk_token
   */
  readonly build: (config: Json, unknown: string | undefined) => Parts;
  /** Adds the special tokens once more: without flags, or with those that they have. */
  readonly adds?: 'plain' | 'as they are';
}

interface Parts {
  /** Fields of `model`. */
  readonly model: Json;
  readonly normalizer: Json | null;
  readonly pre_tokenizer: Json;
  readonly decoder: Json;
  readonly post_processor?: null;
}

const END = '<|endoftext|>';
const NFC = { type: 'NFC' };
const LETTERS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|";
const REST = '[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';
const QWEN2 = `${LETTERS}[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+${REST}`;
const QWEN3_5 = `${LETTERS}[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+${REST}`;

const sequence = (...pretokenizers: Json[]): Json => ({ type: 'Sequence', pretokenizers });
const byteLevel = ({ add_prefix_space }: Json, use_regex = true): Json => ({
  ...{ type: 'ByteLevel', add_prefix_space: Boolean(add_prefix_space), use_regex },
});
const splitBy = (regex: string, config: Json): Json =>
  sequence(
    { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
    byteLevel(config, false),
  );
const bytes = (pre_tokenizer: Json, normalizer: Json | null = NFC): Parts => ({
  ...{ model: { fuse_unk: false, byte_fallback: false, unk_token: null } },
  ...{ normalizer, pre_tokenizer, decoder: { type: 'ByteLevel' } },
});

const PIECES = { fuse_unk: true, byte_fallback: true, unk_token: null };
const pieceDecoder = (...last: Json[]): Json => ({
  type: 'Sequence',
  decoders: [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    ...last,
  ],
});

/** The `__init__` of each class, in models/<name>/tokenization_<name>.py. */
const CLASSES: Readonly<Record<string, TokenizerClass>> = {
  LlamaTokenizer: {
    special: { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' },
    build: ({ add_prefix_space, legacy }) => {
      const prefix = Boolean(add_prefix_space ?? true);
      const prepend_scheme = prefix ? (legacy ? 'always' : 'first') : 'never';
      const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
      return {
        ...{ model: PIECES, normalizer: null },
        pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme, split: false },
        decoder: pieceDecoder(...(prefix ? [strip] : [])),
      };
    },
  },
  GemmaTokenizer: {
    special: {
      ...{ bos_token: '<bos>', eos_token: '<eos>', unk_token: '<unk>' },
      ...{ pad_token: '<pad>', mask_token: '<mask>' },
    },
    build: (_, unknown = 'None') => ({
      model: { ...PIECES, unk_token: unknown },
      normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      pre_tokenizer: {
        ...{ type: 'Split', pattern: { String: ' ' } },
        ...{ behavior: 'MergedWithPrevious', invert: false },
      },
      decoder: pieceDecoder(),
    }),
  },
  Qwen2Tokenizer: {
    special: { eos_token: END, unk_token: END, pad_token: END },
    build: (config) => bytes(splitBy(QWEN2, config)),
    adds: 'plain',
  },
  Qwen3_5Tokenizer: {
    special: { eos_token: END, unk_token: END, pad_token: END },
    build: (config) => bytes(splitBy(QWEN3_5, config)),
  },
  GPT2Tokenizer: {
    special: { bos_token: END, eos_token: END, unk_token: END, pad_token: null },
    build: (config) => bytes(byteLevel(config), null),
  },
  GPTNeoXTokenizer: {
    special: { bos_token: END, eos_token: END, unk_token: END, pad_token: '<|padding|>' },
    build: (config) => ({ ...bytes(byteLevel(config)), post_processor: null }),
  },
  CohereTokenizer: {
    special: {
      ...{ bos_token: '<BOS_TOKEN>', eos_token: '<|END_OF_TURN_TOKEN|>', unk_token: '<UNK>' },
      ...{ sep_token: '<SEP>', pad_token: '<PAD>', cls_token: '<CLS>', mask_token: '<MASK_TOKEN>' },
    },
    build: (config) =>
      bytes(sequence({ type: 'Digits', individual_digits: true }, byteLevel(config))),
    adds: 'as they are',
  },
};

const AS_IT_IS = 'TokenizersBackend';

/** The class of a model's type (auto/tokenization_auto.py); the other families have none. */
const OF_MODEL: ReadonlyMap<unknown, string> = new Map([
  ...['mistral', 'granite', 'olmo2', 'olmo3', 'phi3'].map((type) => [type, AS_IT_IS] as const),
  ['qwen2', 'Qwen2Tokenizer'],
  ['qwen3', 'Qwen2Tokenizer'],
  ['gemma3_text', 'GemmaTokenizer'],
]);

/**
 * @param json tokenizer.json
 * @param config tokenizer_config.json
 * @param model config.json
 * @returns undefined for a class that uses tokenizer.json as it is
 * @throws Error for a class that builds what is not computed here
 */
export function tokenizerClass(json: Json, config: Json, model: Json): TokenizerClass | undefined {
  const name = className(json, config, model);
  if (NOT_COMPUTED.has(name)) {
    throw new Error(`transformers does not use it as it is for the tokenizer_class ${name}`);
  }
  return Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
}

function className(json: Json, config: Json, model: Json): string {
  const [named] = [config.tokenizer_class, model.tokenizer_class].flatMap((name) =>
    typeof name === 'string' ? [name.replace(/Fast$/, '')] : [],
  );
  const ofModel = OF_MODEL.get(model.model_type);
  if (hasCode(config)) {
    // transformers prefers a class of its own to the folder's code.
    if (ofModel ?? (named !== undefined && isKnown(named))) return named ?? ofModel!;
    throw new Error('auto_map of tokenizer_config.json names code that would read it');
  }
  if (named === undefined) return ofModel ?? AS_IT_IS;
  if (ofModel === AS_IT_IS || model.model_type === 'qwen2') return ofModel!;
  const isLlama = named === 'LlamaTokenizer';
  return isLlama && JSON.stringify(json).includes('"ByteLevel"') ? AS_IT_IS : named;
}

const isKnown = (name: string): boolean =>
  Object.hasOwn(CLASSES, name) ||
  NOT_COMPUTED.has(name) ||
  [AS_IT_IS, 'PreTrainedTokenizer'].includes(name);

function hasCode({ auto_map: map }: Json): boolean {
  if (typeof map !== 'object' || map === null) return false;
  return Array.isArray(map) || Boolean((map as Json).AutoTokenizer);
}
