/** Jinja's tests: {{ value is NAME }}, as jinja2/tests.py defines them. */
import { TemplateError } from './errors.ts';
import { isLower, isUpper } from './methods.ts';
import { calculate } from './operators.ts';
import {
  Attributes,
  compare,
  contains,
  equals,
  isCallable,
  isNumber,
  isTrue,
  itemsOf,
  print,
  Range,
  Undefined,
  type Value,
} from './values.ts';

type Test = (value: Value, other: Value) => boolean;

const rest = (value: Value, by: Value): Value => calculate('%', value, by);
const order = (accepts: (order: number) => boolean, operator: string): Test => {
  return (a, b) => accepts(compare(a, b, operator));
};
const equal: Test = (a, b) => equals(a, b);
const unequal: Test = (a, b) => !equals(a, b);
const less = order((one) => one < 0, '<');
const lessOrEqual = order((one) => one <= 0, '<=');
const greater = order((one) => one > 0, '>');
const greaterOrEqual = order((one) => one >= 0, '>=');

const TESTS: Record<string, Test> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  true: (value) => value === true,
  false: (value) => value === false,
  integer: (value) => typeof value === 'bigint',
  float: (value) => typeof value === 'number',
  number: (value) => isNumber(value),
  string: (value) => typeof value === 'string',
  mapping: (value) => value instanceof Map,
  iterable: (value) => itemsOf(value) !== undefined,
  sequence: (value) =>
    typeof value === 'string' ||
    Array.isArray(value) ||
    value instanceof Map ||
    value instanceof Range ||
    value instanceof Undefined,
  callable: (value) => isCallable(value) || (value instanceof Attributes && !!value.call),
  lower: (value) => isLower(print(value)),
  upper: (value) => isUpper(print(value)),
  odd: (value) => equals(rest(value, 2n), 1n),
  even: (value) => equals(rest(value, 2n), 0n),
  divisibleby: (value, by) => equals(rest(value, by), 0n),
  sameas: (a, b) => a === b,
  in: (value, container) => contains(container, value),
  escaped: () => false,
  test: (value) => Object.hasOwn(TESTS, print(value)),
  ...{ eq: equal, equalto: equal, '==': equal, ne: unequal, '!=': unequal },
  ...{ lt: less, lessthan: less, '<': less, le: lessOrEqual, '<=': lessOrEqual },
  ...{ gt: greater, greaterthan: greater, '>': greater, ge: greaterOrEqual, '>=': greaterOrEqual },
};

/** @param name of a test; without one a value passes that is true */
export function findTest(name: string | undefined): Test {
  if (name === undefined) return isTrue;
  if (!Object.hasOwn(TESTS, name)) throw new TemplateError(`No test named '${name}'.`);
  return TESTS[name]!;
}

/** a OPERATOR b for the operators of comparisons. */
export function compareBy(operator: string, a: Value, b: Value): boolean {
  if (operator === 'in') return contains(b, a);
  if (operator === 'not in') return !contains(b, a);
  return TESTS[operator]!(a, b);
}
