/** The types of recipe keys and of their values. */

export const algorithms = ['sft', 'reward', 'grpo', 'ppo', 'dpo'] as const;
export type Algorithm = (typeof algorithms)[number];

/** The largest numbers of a recipe that are believed; far above what any machine can do. */
export const MOST_STEPS = 1e9;
export const MOST_SEQUENCES = 65536;
export const MOST_TOKENS = 2 ** 20;

/**
 * The tokens of a completion that are kept for the closing tag and the response after max_thought_length: a tag takes at most eight
 * tokens, and before it the policy may have begun one of its own.
 */
export const ROOM_FOR_RESPONSE = 16;

interface Key<Type extends string, Value> {
  readonly type: Type;
  readonly default?: Value;
  /** Algorithms with another default. */
  readonly defaults?: Partial<Record<Algorithm, Value>>;
  /** Not set if it is left out or null. */
  readonly optional?: true;
  readonly help: string;
}
/** A list of some of the choices; `all` is a name for all of them. */
export interface NamesKey extends Key<'names', readonly string[]> {
  readonly choices: readonly string[];
  readonly all: string;
}
/** A list, or one text for a list of one. */
type TextsKey = Key<'texts', readonly string[]>;
type NumbersKey = Key<'numbers', readonly number[]>;
interface Range {
  /** Smallest allowed value. */
  readonly min?: number;
  /** Every allowed value is larger. */
  readonly above?: number;
  readonly max?: number;
}
interface ChoiceKey extends Key<'choice', string> {
  readonly choices: readonly string[];
  /** Other spellings that TRL accepts, each with the choice that it means. */
  readonly aliases?: Readonly<Record<string, string>>;
}
export type NumberKey = (Key<'number', number> | Key<'integer', number>) &
  Range & {
    /** Other spellings that TRL accepts, each with the number that it means. */
    readonly aliases?: Readonly<Record<string, number>>;
  };
export type RecipeKeySpec =
  | NumberKey
  | ChoiceKey
  | NamesKey
  | TextsKey
  | NumbersKey
  | Key<'flag', boolean>
  | Key<'text', string>
  | Key<'datasets', readonly Dataset[]>;

/** The default of a key for an algorithm; undefined if it has none. */
export const defaultOf = (spec: RecipeKeySpec | undefined, algorithm: Algorithm): unknown =>
  spec?.defaults?.[algorithm] ?? spec?.default;

/** JSONL files, one example per line. */
export interface Dataset {
  readonly path: 'json';
  readonly data_files: readonly string[];
  /** Examples of the split "test" are held out for evaluation. */
  readonly split: 'train' | 'test';
}

export type RecipeKeys = Readonly<Record<string, RecipeKeySpec>>;

type ValueOf<Spec> = Spec extends { type: 'choice'; choices: readonly (infer Choice)[] }
  ? Choice
  : Spec extends { type: 'names'; choices: readonly (infer Choice)[] }
    ? readonly Choice[]
    : Spec extends { type: 'number' | 'integer' }
      ? number
      : Spec extends { type: 'texts' }
        ? readonly string[]
        : Spec extends { type: 'numbers' }
          ? readonly number[]
          : Spec extends { type: 'flag' }
            ? boolean
            : Spec extends { type: 'datasets' }
              ? readonly Dataset[]
              : string;

/** The checked values of a set of keys. */
export type KeyValues<Keys extends RecipeKeys> = {
  readonly [K in keyof Keys]:
    ValueOf<Keys[K]> | (Keys[K] extends { optional: true } ? undefined : never);
};
