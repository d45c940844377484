/** The model of a tokenizer.json by its type. */
import { BytePairModel, type BytePairFields } from './bpe.ts';
import type { TokenModel } from './model.ts';
import { UnigramModel, type UnigramFields } from './unigram.ts';
import { WordModel, WordPieceModel, type WordFields, type WordPieceFields } from './words.ts';

/** @throws Error for a type that is not known, or fields that are not computed */
export function tokenModel(fields: Readonly<Record<string, unknown>>): TokenModel {
  const type = typeOf(fields);
  switch (type) {
    case 'BPE':
      return new BytePairModel(fields as unknown as BytePairFields);
    case 'Unigram':
      return new UnigramModel(fields as unknown as UnigramFields);
    case 'WordPiece':
      return new WordPieceModel(fields as unknown as WordPieceFields);
    case 'WordLevel':
      return new WordModel(fields as unknown as WordFields);
    default:
      throw new Error(`Unknown TokenizerModel type: ${String(type)}`);
  }
}

/** Old files name no type. */
function typeOf(fields: Readonly<Record<string, unknown>>): unknown {
  if (fields.type !== undefined || !fields.vocab) return fields.type;
  if (fields.merges) return 'BPE';
  if (Array.isArray(fields.vocab)) return 'Unigram';
  return 'max_input_chars_per_word' in fields ? 'WordPiece' : 'WordLevel';
}
