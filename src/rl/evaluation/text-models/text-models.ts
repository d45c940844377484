/** What IFEval's rules ask of models of language: see language-detector.ts and sentence-counter.ts. */
export interface TextModels {
  /** The code of the text's language, or `unknown`; undefined for a text without letters. */
  languageOf(text: string): string | undefined;
  sentencesIn(text: string): number;
}
