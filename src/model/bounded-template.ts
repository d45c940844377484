/** Renders a chat template of @huggingface/jinja within a budget, which the library has not. */
import { Environment, Interpreter, type Template } from '@huggingface/jinja';
import { TemplateBudget } from './template-budget.ts';

let budget: TemplateBudget | undefined;

// Every expression and statement goes through this method.
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its interpreter below
const { evaluate } = Interpreter.prototype;
Interpreter.prototype.evaluate = function (statement, environment) {
  budget?.step();
  const made = evaluate.call(this, statement, environment);
  if (typeof made.value === 'string') budget?.make(made.value.length);
  else if (Array.isArray(made.value)) budget?.make(made.value.length, true);
  return made;
};

// The library makes a range as a list, whatever its length.
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its environment below
const { set } = Environment.prototype;
Environment.prototype.set = function (name, value) {
  return set.call(this, name, name === 'range' ? boundedRange : value);
};

/** @throws RangeError when the template takes too many steps or makes too much text */
export function renderWithin(template: Template, variables: Record<string, unknown>): string {
  budget = new TemplateBudget();
  try {
    return template.render(variables);
  } finally {
    budget = undefined;
  }
}

/** Python's range as a list, counted before it is made. */
function boundedRange(first: number, second?: number, step = 1): number[] {
  if (step === 0) throw new Error('range() step must not be zero');
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  budget?.make(length, true);
  return Array.from({ length }, (_, i) => start + i * step);
}
