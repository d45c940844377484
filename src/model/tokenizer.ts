/**
 * Text to token ids and back, and the chat template, from the checkpoint's own files.
 * @huggingface/tokenizers and @huggingface/jinja do the work. This file reads the files, makes the
 * choices that training needs, and gives errors that name the file.
 */
import { Template } from '@huggingface/jinja';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { renderWithin } from './bounded-template.ts';
import { CheckpointError } from './errors.ts';
import { runForeign } from './foreign.ts';
import { readJson, readText, requireJson, type CheckpointFolder } from './files.ts';
import { checkVocabulary } from './vocabulary.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface TemplateOptions {
  /** End the text with the opening of the assistant's turn, which the completion continues. */
  addGenerationPrompt?: boolean;
  /** Templates with thinking open the thought (true) or close it empty (false). Others ignore it. */
  enableThinking?: boolean;
}

const SPECIAL_TOKENS = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const;
type SpecialToken = (typeof SPECIAL_TOKENS)[number];

/** The files that a saved checkpoint copies from the one it came from, if they exist. */
const FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'special_tokens_map.json',
  'added_tokens.json',
  'generation_config.json',
];

/** The tokenizer's files by name, which are written into every checkpoint of a run. */
export async function tokenizerFiles(
  folder: CheckpointFolder,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const name of FILES) {
    const source = await folder.open(name);
    if (source) files.set(name, await source.read());
  }
  return files;
}

/** A chat template, and the file it is in. */
interface ChatTemplate {
  readonly path: string;
  readonly parsed: Template;
}

export class Tokenizer {
  private readonly folder: string;
  private readonly tokenizer: HuggingFaceTokenizer;
  private readonly template: ChatTemplate | undefined;
  private readonly specialTokens: Partial<Record<SpecialToken, string>>;
  /** One more than the largest id. */
  private readonly ids: number;

  private constructor(
    folder: string,
    tokenizer: HuggingFaceTokenizer,
    template: ChatTemplate | undefined,
    specialTokens: Partial<Record<SpecialToken, string>>,
    ids: number,
  ) {
    this.folder = folder;
    this.tokenizer = tokenizer;
    this.template = template;
    this.specialTokens = specialTokens;
    this.ids = ids;
  }

  /** @throws CheckpointError when a file is missing or cannot be used */
  static async load(folder: CheckpointFolder): Promise<Tokenizer> {
    const json = await requireJson(folder, 'tokenizer.json');
    checkVocabulary(json, `${folder.name}/tokenizer.json`);
    const config = (await readJson(folder, 'tokenizer_config.json')) ?? {};
    const specialTokens: Partial<Record<SpecialToken, string>> = {};
    for (const name of SPECIAL_TOKENS) {
      const token = contentOf(config[name]);
      if (token !== undefined) specialTokens[name] = token;
    }
    const tokenizer = guard(
      () =>
        runForeign(
          `The tokenizer in ${folder.name}/tokenizer.json`,
          () => new HuggingFaceTokenizer({ added_tokens: [], ...json }, config),
        ),
      `${folder.name}/tokenizer.json cannot be used`,
      'use a tokenizer that transformers saved',
    );
    const template = await loadTemplate(folder, config);
    return new Tokenizer(folder.name, tokenizer, template, specialTokens, countIds(json));
  }

  /**
   * @param eosTokenIds the end tokens of the model, from its config.json
   * @throws CheckpointError when the tokenizer is for another model: an id of the tokenizer has no
   *   row in the embedding, or an end token of the model is not in the tokenizer
   */
  checkFits(vocabSize: number, eosTokenIds: readonly number[] = []): void {
    if (this.ids > vocabSize) {
      throw new CheckpointError(
        `${this.folder}/tokenizer.json has ${this.ids} ids but the model's embedding has ` +
          `${vocabSize} rows; take both from the same checkpoint`,
      );
    }
    const unknown = eosTokenIds.find((id) => this.tokenizer.id_to_token(id) === undefined);
    if (unknown !== undefined) {
      throw new CheckpointError(
        `${this.folder}/tokenizer.json is for another model: it has no token ${unknown}, an ` +
          'eos_token_id of config.json; take both from the same checkpoint',
      );
    }
  }

  get hasChatTemplate(): boolean {
    return this.template !== undefined;
  }

  /** Special tokens written out in the text become their ids; none are added. */
  encode(text: string): number[] {
    const { ids, tokens } = this.run((own) => own.encode(text, { add_special_tokens: false }));
    const unknown = (ids as (number | undefined)[]).indexOf(undefined);
    if (unknown >= 0) {
      const token = JSON.stringify(tokens[unknown]);
      throw new CheckpointError(
        `${this.folder}/tokenizer.json has no token for ${token}; leave it out of the text`,
      );
    }
    return ids;
  }

  /** Words (between white space) that have the unknown token in their encoding, each once. */
  unknownWords(text: string): string[] {
    const unknown = this.idOf('unk_token');
    if (unknown === undefined) return [];
    const words = new Set(text.split(/\s+/).filter((word) => word !== ''));
    return [...words].filter((word) => this.encode(word).includes(unknown));
  }

  /** Ids beyond the vocabulary, which padded embeddings have, are skipped. */
  decode(ids: readonly number[], options: { skipSpecial?: boolean } = {}): string {
    const known = ids.filter((id) => this.tokenizer.id_to_token(id) !== undefined);
    if (known.length === 0) return '';
    const skip_special_tokens = options.skipSpecial ?? false;
    return this.run((own) => own.decode(known, { skip_special_tokens }));
  }

  /** The tokenizer's own patterns are foreign code. */
  private run<T>(use: (tokenizer: HuggingFaceTokenizer) => T): T {
    return runForeign(`The tokenizer in ${this.folder}/tokenizer.json`, () => use(this.tokenizer));
  }

  /** @throws CheckpointError when there is no template, or it refuses the messages */
  applyChatTemplate(messages: readonly ChatMessage[], options: TemplateOptions = {}): string {
    const { template } = this;
    if (!template) {
      throw new CheckpointError(
        `${this.folder} has no chat template; add chat_template.jinja, or chat_template to ` +
          'tokenizer_config.json',
      );
    }
    return guard(
      () =>
        render(template, {
          messages,
          add_generation_prompt: options.addGenerationPrompt ?? false,
          ...(options.enableThinking !== undefined && { enable_thinking: options.enableThinking }),
          ...this.specialTokens,
        }),
      `the chat template in ${template.path} refused the messages`,
      'leave out what it does not take (a system turn, most often), or change the template',
    );
  }

  get bosTokenId(): number | undefined {
    return this.idOf('bos_token');
  }

  get eosTokenId(): number | undefined {
    return this.idOf('eos_token');
  }

  get padTokenId(): number | undefined {
    return this.idOf('pad_token');
  }

  /** The token for a text that the vocabulary has no token for. */
  get unkTokenId(): number | undefined {
    return this.idOf('unk_token');
  }

  private idOf(name: SpecialToken): number | undefined {
    const token = this.specialTokens[name];
    return token === undefined ? undefined : this.tokenizer.token_to_id(token);
  }
}

/** From chat_template.jinja, as transformers writes it today, else from tokenizer_config.json. */
async function loadTemplate(
  folder: CheckpointFolder,
  config: Record<string, unknown>,
): Promise<ChatTemplate | undefined> {
  const own = await readText(folder, 'chat_template.jinja');
  const source = own ?? templateField(config.chat_template);
  if (source === undefined) return undefined;
  const file = own === undefined ? 'tokenizer_config.json' : 'chat_template.jinja';
  const path = `${folder.name}/${file}`;
  return guard(
    () => ({ path, parsed: runForeign(template(path), () => new Template(source)) }),
    `the chat template in ${path} is not valid Jinja`,
    'correct it there',
  );
}

const template = (path: string): string => `The chat template in ${path}`;

function render({ path, parsed }: ChatTemplate, variables: Record<string, unknown>): string {
  return runForeign(template(path), () => renderWithin(parsed, variables));
}

/** The field is a template, or a list of named templates with a default. */
function templateField(field: unknown): string | undefined {
  if (!Array.isArray(field)) return typeof field === 'string' ? field : undefined;
  const named = field as { name?: unknown; template?: unknown }[];
  const template = named.find(({ name }) => name === 'default')?.template;
  return typeof template === 'string' ? template : undefined;
}

/** One more than the largest id of a tokenizer.json. */
function countIds(json: Record<string, unknown>): number {
  const { vocab } = (json.model ?? {}) as { vocab?: Record<string, number> | unknown[] };
  const added = (json.added_tokens ?? []) as { id?: number }[];
  const largest = (ids: readonly number[]): number =>
    ids.reduce((most, id) => Math.max(most, id), -1);
  const own = Array.isArray(vocab) ? vocab.length : largest(Object.values(vocab ?? {})) + 1;
  return Math.max(own, largest(added.map(({ id }) => id ?? -1)) + 1);
}

/** "<s>", or the same as an added token, {"content": "<s>", ...}. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  const content = (token as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}

/** Runs a library's code; its error becomes one sentence. */
function guard<T>(run: () => T, what: string, advice: string): T {
  try {
    return run();
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('\n');
    throw new CheckpointError(`${what} (${reason}); ${advice}`);
  }
}
