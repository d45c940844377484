/** What is known of a recipe key. */

export const algorithms = ['sft', 'reward', 'grpo'] as const;
export type Algorithm = (typeof algorithms)[number];

interface Key<Type extends string, Value> {
  readonly type: Type;
  readonly default?: Value;
  /** Where an algorithm's default is another. */
  readonly defaults?: Partial<Record<Algorithm, Value>>;
  /** May be left out, or null: not set. */
  readonly optional?: true;
  readonly help: string;
}
interface Range {
  /** Smallest allowed value. */
  readonly min?: number;
  /** Every allowed value is larger. */
  readonly above?: number;
  readonly max?: number;
}
interface ChoiceKey extends Key<'choice', string> {
  readonly choices: readonly string[];
  /** Other spellings that TRL takes, and the choice they mean. */
  readonly aliases?: Readonly<Record<string, string>>;
}
export type NumberKey = (Key<'number', number> | Key<'integer', number>) & Range;
export type RecipeKeySpec =
  | NumberKey
  | ChoiceKey
  | Key<'flag', boolean>
  | Key<'text', string>
  | Key<'datasets', readonly Dataset[]>;

/** JSONL files, one example per line. */
export interface Dataset {
  readonly path: 'json';
  readonly data_files: readonly string[];
  /** Examples of the split "test" are held out for evaluation. */
  readonly split: 'train' | 'test';
}

export type RecipeKeys = Readonly<Record<string, RecipeKeySpec>>;
