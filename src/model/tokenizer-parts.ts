/** Reads a tokenizer's files as transformers 5 does. */
import { loadChatTemplate, type ChatTemplate } from './chat-template.ts';
import { CheckpointError } from './errors.ts';
import { readJson, requireJson, type CheckpointFolder } from './files.ts';
import type { AddedToken } from './tokenizers/added-tokens.ts';
import { asTransformers } from './tokenizers/as-transformers.ts';
import { tokenizerClass } from './tokenizers/classes.ts';
import { unreadSetting } from './tokenizers/settings.ts';
import { specialTokens, type SpecialToken } from './tokenizers/special-tokens.ts';
import { checkVocabulary } from './vocabulary.ts';

export interface TokenizerParts {
  /** tokenizer.json as transformers uses it. */
  readonly json: Record<string, unknown>;
  /** One more than the largest id. */
  readonly ids: number;
  /** The same without the tokens that transformers adds to the file. */
  readonly ownIds: number;
  /** tokenizer_config.json */
  readonly config: Record<string, unknown>;
  /** By name. */
  readonly special: ReadonlyMap<string, SpecialToken>;
  readonly template: ChatTemplate | undefined;
}

/** @throws CheckpointError when a file is missing or cannot be used */
export async function readTokenizer(folder: CheckpointFolder): Promise<TokenizerParts> {
  const json = await requireJson(folder, 'tokenizer.json');
  checkVocabulary(json, `${folder.name}/tokenizer.json`);
  const config = (await readJson(folder, 'tokenizer_config.json')) ?? {};
  const model = (await readJson(folder, 'config.json')) ?? {};
  const added = (await readJson(folder, 'added_tokens.json')) ?? {};
  const unread = unreadSetting(json, config, model);
  if (unread) {
    throw new CheckpointError(
      `${folder.name}/tokenizer_config.json sets ${unread.name}, with which ${unread.effect}, and that is ` +
        'not computed here; take the field out if the tokens are the right ones without it',
    );
  }
  const kind = guard(
    () => tokenizerClass(json, config, model),
    `${folder.name}/tokenizer.json cannot be used`,
    'if its tokens are the right ones, set tokenizer_class to PreTrainedTokenizerFast in ' +
      `${folder.name}/tokenizer_config.json`,
  );
  const { pad_token } = (json.padding ?? {}) as { pad_token?: unknown };
  const special = await specialTokens(folder, config, { pad_token, ...kind?.special });
  const used = guard(
    () => asTransformers({ json, config, added, special, kind }),
    `${folder.name}/tokenizer.json cannot be used`,
    'use a tokenizer that transformers saved',
  );
  const inFile = new Set(((json.added_tokens ?? []) as AddedToken[]).map(({ content }) => content));
  const own = (used.added_tokens as AddedToken[]).filter(({ content }) => inFile.has(content));
  return {
    json: used,
    ids: countIds(used),
    ownIds: countIds({ ...used, added_tokens: own }),
    config,
    special: special.named,
    template: await loadChatTemplate(folder, config),
  };
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

/** Runs a library's code. @throws CheckpointError in place of another error: one sentence */
export function guard<T>(run: () => T, what: string, advice: string): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    const [reason = ''] = (error as Error).message.split('\n');
    throw new CheckpointError(`${what} (${reason}); ${advice}`);
  }
}
