/**
 * Chat templates, rendered to the byte as transformers renders them: Jinja 3.1's immutable sandbox with
 * `trim_blocks`, `lstrip_blocks`, loop controls and the tag `generation`
 * (transformers/utils/chat_template_utils.py).
 *
 * @huggingface/jinja keeps its values and lexer to itself, and they are JavaScript's in many places: it
 * prints true for True, counts UTF-16 units, lets names leak from one round of a loop to the next, cuts
 * what a round wrote before a break. This folder is what it would take to change, and no more.
 */
import { TemplateError } from './errors.ts';
import { Scope } from './evaluator.ts';
import { globals } from './globals.ts';
import { render } from './interpreter.ts';
import { parse } from './parser.ts';
import type { Body } from './syntax.ts';
import { fromJson } from './values.ts';

export class Template {
  private readonly body: Body;

  /** @throws TemplateError when the source is not valid Jinja */
  constructor(source: string) {
    this.body = parse(source);
  }

  /**
   * @param variables JSON values by name; one that is not named is undefined in the template
   * @throws TemplateError when the template fails, or refuses what it is given
   */
  render(variables: Record<string, unknown>, now = new Date()): string {
    const scope = new Scope();
    for (const [name, value] of globals(now)) scope.set(name, value);
    for (const [name, value] of Object.entries(variables)) scope.set(name, fromJson(value));
    try {
      return render(this.body, scope.inner());
    } catch (error) {
      // Macros that call themselves without end, and texts longer than JavaScript's.
      if (error instanceof RangeError) throw new TemplateError(error.message);
      throw error;
    }
  }
}
