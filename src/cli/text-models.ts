/**
 * The models of languages and sentences that IFEval's rules need, read when they are first needed from
 * text-models/, which make_data.py made.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import {
  LanguageDetector,
  type LanguageProfiles,
} from '../rl/evaluation/text-models/language-detector.ts';
import {
  SentenceCounter,
  type PunktParameters,
} from '../rl/evaluation/text-models/sentence-counter.ts';
import type { TextModels } from '../rl/evaluation/text-models/text-models.ts';

let detector: LanguageDetector | undefined;
let counter: SentenceCounter | undefined;

export const textModels: TextModels = {
  languageOf(text) {
    detector ??= new LanguageDetector(read('languages.json.br') as LanguageProfiles);
    return detector.detect(text);
  },
  sentencesIn(text) {
    counter ??= new SentenceCounter(read('sentences.json.br') as PunktParameters);
    return counter.count(text);
  },
};

function read(name: string): unknown {
  const file = readFileSync(join(import.meta.dirname, 'text-models', name));
  return JSON.parse(brotliDecompressSync(file).toString('utf8'));
}
