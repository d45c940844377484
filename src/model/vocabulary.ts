/** Checks the parts of a tokenizer.json on which its ids depend. */
import { CheckpointError, shown } from './errors.ts';

/** Larger ids are not believed: no embedding has such a row. */
const LARGEST_ID = 2 ** 24;

const isId = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < LARGEST_ID;

/**
 * The vocabulary is a map from tokens to ids (BPE, WordPiece, WordLevel), or a list of [token, score]
 * (Unigram); merges are texts or pairs of texts; each added token has an id and a text.
 * @throws CheckpointError that names the first one that is wrong
 */
export function checkVocabulary(json: Readonly<Record<string, unknown>>, path: string): void {
  const refuse = (problem: string): never => {
    throw new CheckpointError(`${path}: ${problem}; use a tokenizer that transformers saved`);
  };
  const { model, added_tokens: added = [] } = json;
  if (!isObject(model)) return refuse(`model is ${shown(model)}, which is no tokenizer`);
  // Without a vocabulary, the tokenizer is of a kind that is refused by its name.
  if (model.vocab !== undefined) checkTokens(model.vocab, refuse);
  checkMerges(model.merges ?? [], refuse);
  if (!Array.isArray(added)) return refuse(`added_tokens is ${shown(added)}, and must be a list`);
  for (const token of added as unknown[]) {
    const { id, content } = isObject(token) ? token : {};
    if (!isId(id) || typeof content !== 'string') {
      refuse(`the added token ${shown(token)} needs an id from 0 on and a content`);
    }
  }
}

function checkTokens(vocab: unknown, refuse: (problem: string) => never): void {
  if (Array.isArray(vocab)) {
    const odd = (vocab as unknown[]).find(
      (item) => !Array.isArray(item) || typeof item[0] !== 'string' || typeof item[1] !== 'number',
    );
    if (odd !== undefined) refuse(`vocab has ${shown(odd)}, which must be [token, score]`);
    return;
  }
  if (!isObject(vocab)) return refuse(`model.vocab is ${shown(vocab)}, and must have the tokens`);
  const odd = Object.entries(vocab).find(([, id]) => !isId(id));
  if (odd) refuse(`the id of ${shown(odd[0])} is ${shown(odd[1])}, which no row can have`);
}

function checkMerges(merges: unknown, refuse: (problem: string) => never): void {
  const isText = (item: unknown): boolean => typeof item === 'string';
  const isMerge = (item: unknown): boolean =>
    isText(item) || (Array.isArray(item) && item.length === 2 && item.every(isText));
  const odd = Array.isArray(merges) ? (merges as unknown[]).find((one) => !isMerge(one)) : merges;
  if (odd !== undefined) refuse(`merges have ${shown(odd)}, which must be two tokens`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
