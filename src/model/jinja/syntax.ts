/** The tree of a parsed template. */
import type { Value } from './values.ts';

export interface Arguments {
  readonly positional: readonly Expression[];
  readonly named: readonly (readonly [name: string, value: Expression])[];
  /** After `*` and after `**`. */
  readonly spread: Expression | undefined;
  readonly namedSpread: Expression | undefined;
}

export type Expression =
  | { readonly is: 'constant'; readonly value: Value }
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'list' | 'tuple' | 'concat'; readonly items: readonly Expression[] }
  | { readonly is: 'dict'; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly is: 'attribute'; readonly object: Expression; readonly name: string }
  | { readonly is: 'item'; readonly object: Expression; readonly index: Expression }
  | {
      readonly is: 'slice';
      readonly object: Expression;
      /** Start, stop and step. */
      readonly range: readonly (Expression | undefined)[];
    }
  | { readonly is: 'call'; readonly callee: Expression; readonly args: Arguments }
  | FilterCall
  | {
      readonly is: 'test';
      readonly input: Expression;
      readonly name: string;
      readonly args: Arguments;
    }
  | { readonly is: 'not' | 'negative' | 'positive'; readonly value: Expression }
  | { readonly is: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | {
      readonly is: 'binary';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly is: 'compare';
      readonly first: Expression;
      readonly rest: readonly (readonly [operator: string, Expression])[];
    }
  | {
      readonly is: 'choice';
      readonly test: Expression;
      readonly yes: Expression;
      readonly no: Expression | undefined;
    };

/** `input` is undefined where a block's text goes in: {% filter NAME %}, {% set x | NAME %}. */
export interface FilterCall {
  readonly is: 'filter';
  readonly input: Expression | undefined;
  readonly name: string;
  readonly args: Arguments;
}

/** What an assignment or a loop fills: a name, an attribute of a namespace, or a tuple of them. */
export type Target =
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'namespace'; readonly name: string; readonly attribute: string }
  | { readonly is: 'tuple'; readonly items: readonly Target[] };

export interface Signature {
  readonly parameters: readonly {
    readonly name: string;
    readonly fallback: Expression | undefined;
  }[];
  /** Whether the body reads `varargs` or `kwargs`: only then may a caller give more. */
  readonly varargs: boolean;
  readonly kwargs: boolean;
}

export type Body = readonly Statement[];

export type Statement =
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'output'; readonly value: Expression }
  | {
      readonly is: 'if';
      readonly branches: readonly { readonly test: Expression; readonly body: Body }[];
      readonly otherwise: Body;
    }
  | {
      readonly is: 'for';
      readonly target: Target;
      readonly items: Expression;
      readonly test: Expression | undefined;
      readonly recursive: boolean;
      readonly body: Body;
      readonly otherwise: Body;
    }
  | { readonly is: 'set'; readonly target: Target; readonly value: Expression }
  | {
      readonly is: 'setBlock';
      readonly target: Target;
      readonly filter: FilterCall | undefined;
      readonly body: Body;
    }
  | {
      readonly is: 'macro';
      readonly name: string;
      readonly signature: Signature;
      readonly body: Body;
    }
  | {
      readonly is: 'call';
      readonly call: Expression & { is: 'call' };
      readonly signature: Signature;
      readonly body: Body;
    }
  | { readonly is: 'filterBlock'; readonly filter: FilterCall; readonly body: Body }
  | {
      readonly is: 'with';
      readonly variables: readonly (readonly [Target, Expression])[];
      readonly body: Body;
    }
  /** {% generation %}: its body, whose variables end with it. */
  | { readonly is: 'generation'; readonly body: Body }
  | { readonly is: 'break' | 'continue' };
