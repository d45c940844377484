/** Renders a parsed template. Scopes and loops are those of Jinja's compiler (jinja2/compiler.py). */
import { TemplateError } from './errors.ts';
import { Evaluator, type Scope } from './evaluator.ts';
import type { Body, FilterCall, Signature, Statement, Target } from './syntax.ts';
import { unpack } from './operators.ts';
import {
  Attributes,
  equals,
  isTrue,
  iterate,
  Namespace,
  print,
  tuple,
  Undefined,
  type Callable,
  type Value,
} from './values.ts';

/** How a body ended: at a {% break %} or {% continue %}, or at its end. */
type End = 'break' | 'continue' | undefined;

/** @throws TemplateError when the template fails, or refuses what it is given */
export function render(template: Body, scope: Scope): string {
  return new Interpreter().capture(template, scope);
}

type For = Extract<Statement, { is: 'for' }>;

class Interpreter {
  private readonly evaluator = new Evaluator();

  /** The text of a body. */
  capture(body: Body, scope: Scope): string {
    const out: string[] = [];
    this.runAll(body, scope, out);
    return out.join('');
  }

  private runAll(body: Body, scope: Scope, out: string[]): End {
    for (const statement of body) {
      const end = this.run(statement, scope, out);
      if (end) return end;
    }
    return undefined;
  }

  private run(statement: Statement, scope: Scope, out: string[]): End {
    const { evaluator } = this;
    evaluator.budget.step();
    switch (statement.is) {
      case 'text':
        out.push(statement.text);
        return undefined;
      case 'output':
        out.push(print(evaluator.evaluate(statement.value, scope)));
        return undefined;
      case 'if': {
        const taken = statement.branches.find(({ test }) =>
          isTrue(evaluator.evaluate(test, scope)),
        );
        return this.runAll(taken?.body ?? statement.otherwise, scope, out);
      }
      case 'for':
        this.runLoop(statement, evaluator.evaluate(statement.items, scope), scope, out, 0);
        return undefined;
      case 'set':
        assign(statement.target, evaluator.evaluate(statement.value, scope), scope);
        return undefined;
      case 'setBlock': {
        const text = this.capture(statement.body, scope.inner());
        const { filter } = statement;
        assign(statement.target, filter ? this.filter(filter, text, scope) : text, scope);
        return undefined;
      }
      case 'macro':
        scope.set(statement.name, this.macro(statement, scope));
        return undefined;
      case 'call': {
        const caller = this.macro({ name: 'caller', ...statement }, scope);
        out.push(print(evaluator.call(statement.call, scope, caller)));
        return undefined;
      }
      case 'filterBlock': {
        const text = this.capture(statement.body, scope.inner());
        out.push(print(this.filter(statement.filter, text, scope)));
        return undefined;
      }
      case 'with': {
        const inner = scope.inner();
        for (const [target, value] of statement.variables) {
          assign(target, evaluator.evaluate(value, scope), inner);
        }
        return this.runAll(statement.body, inner, out);
      }
      case 'generation':
        return this.runAll(statement.body, scope.inner(), out);
      case 'break':
      case 'continue':
        return statement.is;
    }
  }

  /** A filter on a block's text. */
  private filter(filter: FilterCall, text: string, scope: Scope): Value {
    const { evaluator } = this;
    const input = filter.input?.is === 'filter' ? this.filter(filter.input, text, scope) : text;
    return evaluator.filter(filter, input, scope);
  }

  private runLoop(loop: For, iterable: Value, outer: Scope, out: string[], depth: number): void {
    const items: Value[] = [];
    for (const one of iterate(iterable)) {
      this.evaluator.budget.step();
      if (loop.test) {
        const inner = outer.inner();
        assign(loop.target, one, inner);
        if (!isTrue(this.evaluator.evaluate(loop.test, inner))) continue;
      }
      items.push(one);
    }
    const state: LoopState = { items, at: 0, depth, changed: undefined };
    const again: Callable | undefined = loop.recursive
      ? ([inner = null]) => {
          const text: string[] = [];
          this.runLoop(loop, inner, outer, text, depth + 1);
          return text.join('');
        }
      : undefined;
    const object = loopObject(state, again);
    let ranToEnd = false;
    for (; state.at < items.length; state.at++) {
      // Names that the body sets end with each round.
      const scope = outer.inner();
      scope.set('loop', object);
      assign(loop.target, items[state.at]!, scope);
      const end = this.runAll(loop.body, scope, out);
      if (end === 'break') break;
      ranToEnd ||= end === undefined;
    }
    // As in Jinja, a round that ends in a {% continue %} does not count.
    if (!ranToEnd) this.runAll(loop.otherwise, outer.inner(), out);
  }

  private macro(
    { name, signature, body }: { name: string; signature: Signature; body: Body },
    outer: Scope,
  ): Attributes {
    const call: Callable = (args, named) => {
      const scope = outer.inner();
      this.bindParameters(name, signature, args, named, scope);
      return this.capture(body, scope);
    };
    const names = signature.parameters.map((parameter) => parameter.name);
    const known: Record<string, Value> = { name, arguments: tuple(names) };
    return new Attributes(`<Macro '${name}'>`, (key) => known[key], call);
  }

  private bindParameters(
    name: string,
    { parameters, varargs, kwargs }: Signature,
    args: readonly Value[],
    named: ReadonlyMap<string, Value>,
    scope: Scope,
  ): void {
    const left = new Map(named);
    const caller = left.get('caller');
    left.delete('caller');
    scope.set('caller', caller ?? new Undefined('No caller defined'));
    parameters.forEach(({ name: key, fallback }, i) => {
      const given = args[i] !== undefined ? args[i] : left.get(key);
      left.delete(key);
      // A default may read the parameters before it.
      const missing = (): Value =>
        fallback
          ? this.evaluator.evaluate(fallback, scope)
          : new Undefined(`parameter '${key}' was not provided`);
      scope.set(key, given !== undefined ? given : missing());
    });
    if (kwargs) scope.set('kwargs', new Map<Value, Value>(left));
    else if (left.size > 0) {
      const [key] = left.keys();
      throw new TemplateError(`macro '${name}' takes no keyword argument '${key!}'`);
    }
    if (varargs) scope.set('varargs', tuple(args.slice(parameters.length)));
    else if (args.length > parameters.length) {
      throw new TemplateError(
        `macro '${name}' takes not more than ${parameters.length} argument(s)`,
      );
    }
  }
}

function assign(target: Target, value: Value, scope: Scope): void {
  if (target.is === 'name') scope.set(target.name, value);
  else if (target.is === 'tuple') {
    const values = unpack(value, target.items.length);
    target.items.forEach((one, i) => assign(one, values[i]!, scope));
  } else {
    const object = scope.get(target.name);
    if (!(object instanceof Namespace)) {
      throw new TemplateError('cannot assign attribute on non-namespace object');
    }
    object.set(target.attribute, value);
  }
}

interface LoopState {
  readonly items: readonly Value[];
  at: number;
  readonly depth: number;
  changed: readonly Value[] | undefined;
}

/** The variable `loop`. */
function loopObject(state: LoopState, again: Callable | undefined): Attributes {
  const { items, depth } = state;
  const cycle: Callable = (args) => args[state.at % args.length] ?? null;
  const changed: Callable = (args) => {
    const same = state.changed && equals([...state.changed], [...args]);
    state.changed = args;
    return !same;
  };
  const get = (name: string): Value | undefined => {
    const { at } = state;
    switch (name) {
      case 'index':
        return BigInt(at + 1);
      case 'index0':
        return BigInt(at);
      case 'revindex':
        return BigInt(items.length - at);
      case 'revindex0':
        return BigInt(items.length - at - 1);
      case 'first':
        return at === 0;
      case 'last':
        return at === items.length - 1;
      case 'length':
        return BigInt(items.length);
      case 'previtem':
        return at > 0 ? items[at - 1] : new Undefined('there is no previous item');
      case 'nextitem':
        return at < items.length - 1 ? items[at + 1] : new Undefined('there is no next item');
      case 'depth':
        return BigInt(depth + 1);
      case 'depth0':
        return BigInt(depth);
      case 'cycle':
        return cycle;
      case 'changed':
        return changed;
      default:
        return undefined;
    }
  };
  return new Attributes('<LoopContext>', get, again);
}
