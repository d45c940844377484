/**
 * A reward by a rule: a small JavaScript module,
 *   export default function (prompt, response, row) { return 1; }
 * which returns a number, or true or false for 1 and 0. `row` has the other columns of the prompt's row
 * in its data set, such as the right answer, or is {}. The rule runs in QuickJS compiled to WebAssembly.
 * It has only the language itself: no network, page, file, clock or random numbers, and limited memory
 * and time. QuickJS cannot interrupt its own built-in functions, so a watcher ends what stays in one
 * (model/foreign.ts). Every response is judged in a new context, so a rule remembers nothing, and the same prompt
 * and response always get the same reward.
 */
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten-core';
import { runForeign } from '../../model/foreign.ts';
import { readablePrompt } from '../data/conversation.ts';
import { ruleName } from '../recipe/reward-names.ts';
import type { JudgedText, Reward } from './reward.ts';

/** A file that is not a rule, or a rule that failed; the message names it and says what is wrong. */
export class RuleError extends Error {
  override name = 'RuleError';
}

/** The limit for one response, in addition to the first 16 MB of QuickJS. */
const MEMORY_BYTES = 32 * 2 ** 20;
const PAGE_BYTES = 64 * 2 ** 10;
const FIRST_PAGES = 256;
const STACK_BYTES = 256 * 2 ** 10;
const SECONDS = 1;

/** The parts of JavaScript that a rule has: no Date, and Math.random is deleted too. */
const INTRINSICS = {
  BaseObjects: true,
  Eval: true,
  JSON: true,
  MapSet: true,
  Promise: true,
  RegExp: true,
  RegExpCompiler: true,
  StringNormalize: true,
  TypedArrays: true,
} as const;

/**
 * QuickJS is half a megabyte, fetched when the first rule is opened; every rule has its own instance.
 * The WebAssembly memory is limited as a whole, because QuickJS's own limit does not know the size of an
 * allocation in WebAssembly.
 */
async function newRuntime(): Promise<QuickJSRuntime> {
  const [{ newQuickJSWASMModuleFromVariant, newVariant }, { default: variant }] = await Promise.all(
    [import('quickjs-emscripten-core'), import('@jitl/quickjs-wasmfile-release-sync')],
  );
  const wasmMemory = new WebAssembly.Memory({
    initial: FIRST_PAGES,
    maximum: FIRST_PAGES + MEMORY_BYTES / PAGE_BYTES,
  });
  return (await newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory }))).newRuntime();
}

export class Rule implements Reward {
  private deadline = 0;

  private constructor(
    readonly name: string,
    private readonly source: string,
    private readonly runtime: QuickJSRuntime,
  ) {
    runtime.setMaxStackSize(STACK_BYTES);
    runtime.setInterruptHandler(() => performance.now() > this.deadline);
  }

  /**
   * @param path of the file, which gives the rule its name
   * @throws RuleError if it is not a module with a function as its default export
   */
  static async open(path: string, source: string): Promise<Rule> {
    const rule = new Rule(ruleName(path), source, await newRuntime());
    runForeign(`The rule ${rule.name}`, () => rule.run(() => undefined));
    return rule;
  }

  /** @throws RuleError if the rule throws, needs too much time or memory, or returns no number */
  score(texts: readonly JudgedText[]): Promise<number[]> {
    // An error in a rule becomes a rejection, as with every other reward.
    return Promise.resolve().then(() =>
      texts.map((text) => runForeign(`The rule ${this.name}`, () => this.judge(text))),
    );
  }

  private judge({ prompt, response, columns = {} }: JudgedText): number {
    return this.run((context, rule) => {
      const texts = [readablePrompt(prompt), response].map((text) => context.newString(text));
      const given = [...texts, parsed(context, columns)];
      const result = context.callFunction(rule, context.undefined, ...given);
      for (const handle of given) handle.dispose();
      const value = disposing(context.unwrapResult(result), (handle) => {
        const type = context.typeof(handle);
        // Other values are not read, because they may be large or run the rule's code.
        if (type === 'number' || type === 'boolean') return Number(context.dump(handle));
        return context.sameValue(handle, context.null) ? 'null' : type;
      });
      if (typeof value === 'number' && Number.isFinite(value)) return value;
      throw new RuleError(
        `rule ${this.name} returned ${value} for the response ${quote(response)}; ` +
          'it must return a finite number, or true or false',
      );
    });
  }

  /** Calls `use` with the rule's function in a fresh context. */
  private run<T>(use: (context: QuickJSContext, rule: QuickJSHandle) => T): T {
    const { runtime, name } = this;
    const context = runtime.newContext({ intrinsics: INTRINSICS });
    this.deadline = performance.now() + 1000 * SECONDS;
    try {
      context.unwrapResult(context.evalCode('delete Math.random')).dispose();
      const evaluated = context.evalCode(this.source, `${name}.js`, { type: 'module' });
      const rule = disposing(context.unwrapResult(evaluated), (exported) =>
        context.getProp(exported, 'default'),
      );
      return disposing(rule, (handle) => {
        if (context.typeof(handle) === 'function') return use(context, handle);
        throw new RuleError(
          `rule ${name} has no function as its default export; ` +
            'write export default function (prompt, response) { return 1; }',
        );
      });
    } catch (error) {
      throw error instanceof RuleError ? error : new RuleError(this.explain(error as Error));
    } finally {
      context.dispose();
    }
  }

  /** The error of QuickJS in one sentence. */
  private explain({ name, message, cause }: Error): string {
    const { stack = '' } = (cause ?? {}) as { stack?: string };
    if (message === 'interrupted') {
      return `rule ${this.name} takes longer than ${SECONDS} s for a response; check for a loop that never ends`;
    }
    if (message === 'out of memory') {
      return `rule ${this.name} needs more than ${MEMORY_BYTES / 2 ** 20} MB for a response; store less in it`;
    }
    const [, line] = /\.js:(\d+)/.exec(stack) ?? [];
    const place = line === undefined ? '' : ` (line ${line})`;
    // QuickJS's host gives this name to what is thrown and is no error.
    const what = name === 'QuickJSUnwrapError' ? 'it threw' : `${shorten(name)}:`;
    return `rule ${this.name} failed: ${what} ${shorten(message)}${place}; correct it`;
  }

  destroy(): void {
    this.runtime.dispose();
  }
}

/** Passes the value as JSON text, so that no object of the host reaches the rule. */
function parsed(context: QuickJSContext, value: unknown): QuickJSHandle {
  return disposing(context.unwrapResult(context.evalCode('JSON.parse')), (parse) =>
    disposing(context.newString(JSON.stringify(value)), (text) =>
      context.unwrapResult(context.callFunction(parse, context.undefined, text)),
    ),
  );
}

function disposing<T>(handle: QuickJSHandle, use: (handle: QuickJSHandle) => T): T {
  try {
    return use(handle);
  } finally {
    handle.dispose();
  }
}

const LONGEST = 80;
/** Makes one short line of a text that the rule wrote or judged. */
const shorten = (text: string): string =>
  text.replace(/\s+/g, ' ').slice(0, LONGEST) + (text.length > LONGEST ? '...' : '');
const quote = (text: string): string => JSON.stringify(shorten(text));
