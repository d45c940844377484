/**
 * Text to token ids and back, and the chat template, from the checkpoint's own files, as transformers 5
 * reads them. This file makes the choices that training needs, and gives errors that name the file.
 */
import { renderTemplate, TEMPLATE_FILE, templateFile, type ChatTemplate } from './chat-template.ts';
import { CheckpointError } from './errors.ts';
import { readWhole, type CheckpointFolder } from './files.ts';
import { runForeign } from './foreign.ts';
import { guard, readTokenizer } from './tokenizer-parts.ts';
import { cleanUp } from './tokenizers/decoders.ts';
import { checkPatterns } from './tokenizers/patterns.ts';
import { contentOf } from './tokenizers/special-tokens.ts';
import { TextTokenizer, type Token } from './tokenizers/text-tokenizer.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

interface TemplateOptions {
  /** End the text with the opening of the assistant's turn, which the completion continues. */
  addGenerationPrompt?: boolean;
  /** Templates with thinking open the thought (true) or close it empty (false). Others ignore it. */
  enableThinking?: boolean;
}

/** The files that a saved checkpoint copies from the one it came from, if they exist. */
const FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
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
    if (source) files.set(name, await readWhole(source));
  }
  const template = await templateFile(folder);
  if (template) files.set(TEMPLATE_FILE, await readWhole(template.source));
  return files;
}

export class Tokenizer {
  /** Of the model's embedding. */
  private rows = Infinity;

  private constructor(
    private readonly folder: string,
    private readonly tokenizer: TextTokenizer,
    private readonly template: ChatTemplate | undefined,
    private readonly specialTokens: ReadonlyMap<string, string>,
    /** One more than the largest id, and the same without the tokens that transformers adds. */
    private readonly ids: number,
    private readonly ownIds: number,
    /** Whether decoded texts lose the spaces before punctuation. */
    private readonly cleansUp: boolean,
  ) {}

  /** @throws CheckpointError when a file is missing or cannot be used */
  static async load(folder: CheckpointFolder): Promise<Tokenizer> {
    const { json, ids, ownIds, config, special, template } = await readTokenizer(folder);
    const tokenizer = guard(
      () =>
        runForeign(`The tokenizer in ${folder.name}/tokenizer.json`, () => {
          const { normalizer, pre_tokenizer, decoder } = json;
          checkPatterns([normalizer, pre_tokenizer, decoder]);
          return new TextTokenizer(json);
        }),
      `${folder.name}/tokenizer.json cannot be used`,
      'use a tokenizer that transformers saved',
    );
    const texts = new Map([...special].map(([name, token]) => [name, contentOf(token)]));
    // transformers 5 cleans a text of a BPE tokenizer only with a field of this name.
    const { clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output: also } =
      config;
    const cleansUp =
      config.clean_up_tokenization_spaces === true &&
      (tokenizer.modelType !== 'BPE' || also === true);
    return new Tokenizer(folder.name, tokenizer, template, texts, ids, ownIds, cleansUp);
  }

  /**
   * From here on a text with a token that transformers adds is refused if the token has no row.
   * @param eosTokenIds the end tokens of the model, from its config.json
   * @throws CheckpointError when the tokenizer is for another model: an id of the tokenizer has no
   *   row in the embedding, or an end token of the model is not in the tokenizer
   */
  checkFits(vocabSize: number, eosTokenIds: readonly number[] = []): void {
    this.rows = vocabSize;
    if (this.ownIds > vocabSize) {
      throw new CheckpointError(
        `${this.folder}/tokenizer.json has ${this.ownIds} ids but the model's embedding has ` +
          `${vocabSize} rows; take both from the same checkpoint`,
      );
    }
    const unknown = eosTokenIds.find((id) => this.tokenizer.token(id) === undefined);
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

  /** Of several chat templates: which one is used and which are not, in words. */
  get templateChoice(): string | undefined {
    return this.template?.choice;
  }

  /** Special tokens written out in the text become their ids; none are added. */
  encode(text: string): number[] {
    return this.known(this.run((own) => own.encode(text)));
  }

  /**
   * A prompt as TRL encodes it: what a chat template rendered has its special tokens written out, and
   * the prompt of a model without one gets the tokenizer's, such as BOS.
   */
  encodePrompt(text: string): number[] {
    if (this.hasChatTemplate) return this.encode(text);
    return this.known(this.run((own) => own.encode(text, true)));
  }

  /**
   * The text of a prompt with all its special tokens in it: programs that add none to it encode it as
   * `encodePrompt` does.
   * @throws CheckpointError if no text gives these ids
   */
  writtenOut(prompt: string): string {
    const wanted = this.encodePrompt(prompt);
    const own = this.encode(prompt);
    if (wanted.length === own.length) return prompt;
    const around = this.run((tokenizer) => tokenizer.encode('', true));
    // A template of the tokenizer puts BOS before the text; hardly any puts something behind it.
    const text = around.map((token) => token.text).join('') + prompt;
    if (this.encode(text).join() === wanted.join()) return text;
    throw new CheckpointError(
      `${this.folder}/tokenizer.json puts tokens around a prompt that cannot be written in its text; give the ` +
        'model a chat template',
    );
  }

  private known(tokens: readonly Token[]): number[] {
    return tokens.map(({ id, text }) => {
      if (id !== undefined && id < this.rows) return id;
      const what = id === undefined ? 'no token' : "a token, but the model's embedding has no row,";
      throw new CheckpointError(
        `${this.folder}/tokenizer.json has ${what} for ${JSON.stringify(text)}; leave it out of the text`,
      );
    });
  }

  /** The vocabulary's text of every id, as tokenizer.json writes it; '' for an id without a token. */
  tokenTexts(): string[] {
    return Array.from(
      { length: Math.min(this.ids, this.rows) },
      (_, id) => this.tokenizer.token(id) ?? '',
    );
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
    const text = this.run((own) => own.decode(ids, options.skipSpecial));
    return this.cleansUp ? cleanUp(text) : text;
  }

  /** The tokenizer's own patterns are foreign code. @throws CheckpointError for a part that fails */
  private run<T>(use: (tokenizer: TextTokenizer) => T): T {
    const path = `${this.folder}/tokenizer.json`;
    return guard(
      () => runForeign(`The tokenizer in ${path}`, () => use(this.tokenizer)),
      `${path} cannot be used`,
      'use a tokenizer that transformers saved',
    );
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
    // transformers gives every template these two, as none when there are none.
    const none = { tools: null, documents: null };
    return renderTemplate(template, {
      ...Object.fromEntries(this.specialTokens),
      ...none,
      messages,
      add_generation_prompt: options.addGenerationPrompt ?? false,
      ...(options.enableThinking !== undefined && { enable_thinking: options.enableThinking }),
    });
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

  private idOf(name: string): number | undefined {
    const token = this.specialTokens.get(name);
    const id = token === undefined ? undefined : this.tokenizer.id(token);
    return id === undefined || id >= this.rows ? undefined : id;
  }
}
