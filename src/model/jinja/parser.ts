/** Parses a template into its statements, as jinja2/parser.py does. */
import { TemplateError } from './errors.ts';
import { ExpressionParser } from './expressions.ts';
import type { Body, Expression, Signature, Statement, Target } from './syntax.ts';

/** @throws TemplateError when the template is not valid Jinja, or has a tag that transformers refuses */
export function parse(template: string): Body {
  return new Parser(template).parseTemplate();
}

class Parser extends ExpressionParser {
  parseTemplate(): Body {
    const body = this.parseBody([]);
    if (!this.sees('end')) throw this.unexpected();
    return body;
  }

  /** Statements up to the tag of one of the names `ends`; the tag's name is then next. */
  private parseBody(ends: string[]): Statement[] {
    const body: Statement[] = [];
    for (;;) {
      if (this.sees('end')) {
        if (ends.length === 0) return body;
        throw new TemplateError(`unexpected end of template, expected '${ends.join("' or '")}'`);
      }
      if (this.sees('data')) body.push({ is: 'text', text: this.next().value });
      else if (this.sees('outputBegin')) {
        this.next();
        body.push({ is: 'output', value: this.parseTuple() });
        this.expect('outputEnd');
      } else {
        this.expect('blockBegin');
        if (this.sees('name', ...ends) && ends.length > 0) return body;
        body.push(this.parseStatement());
        this.expect('blockEnd');
      }
    }
  }

  /** The body of a block, and its end tag without the closing bracket. */
  private parseBlock(end: string): Statement[] {
    this.expect('blockEnd');
    const body = this.parseBody([end]);
    this.next();
    return body;
  }

  private parseStatement(): Statement {
    const tag = this.expect('name');
    switch (tag) {
      case 'if':
        return this.parseIf();
      case 'for':
        return this.parseFor();
      case 'set':
        return this.parseSet();
      case 'macro':
        return this.parseMacro();
      case 'call':
        return this.parseCallBlock();
      case 'filter': {
        const filter = this.parseFilter(undefined);
        return { is: 'filterBlock', filter, body: this.parseBlock('endfilter') };
      }
      case 'with':
        return this.parseWith();
      case 'generation':
        return { is: 'generation', body: this.parseBlock('endgeneration') };
      case 'print':
        return { is: 'output', value: this.parseTuple() };
      case 'break':
      case 'continue':
        return { is: tag };
      default:
        throw new TemplateError(`Encountered unknown tag '${tag}'.`);
    }
  }

  private parseIf(): Statement {
    const branches: { test: Expression; body: Body }[] = [];
    let otherwise: Body = [];
    for (let tag = 'elif'; tag === 'elif';) {
      const test = this.parseTuple(() => this.parseOr());
      this.expect('blockEnd');
      branches.push({ test, body: this.parseBody(['elif', 'else', 'endif']) });
      tag = this.next().value;
      if (tag === 'else') otherwise = this.parseBlock('endif');
    }
    return { is: 'if', branches, otherwise };
  }

  private parseFor(): Statement {
    const target = this.parseTarget();
    this.expect('name', 'in');
    const items = this.parseTuple(() => this.parseOr());
    const test = this.skip('name', 'if') ? this.parseExpression() : undefined;
    const recursive = this.skip('name', 'recursive');
    this.expect('blockEnd');
    const body = this.parseBody(['else', 'endfor']);
    const otherwise = this.next().value === 'else' ? this.parseBlock('endfor') : [];
    return { is: 'for', target, items, test, recursive, body, otherwise };
  }

  private parseSet(): Statement {
    const target = this.parseTarget();
    if (this.skip('operator', '=')) return { is: 'set', target, value: this.parseTuple() };
    const filter = this.skip('operator', '|') ? this.parseSetFilters() : undefined;
    return { is: 'setBlock', target, filter, body: this.parseBlock('endset') };
  }

  private parseSetFilters(): Extract<Expression, { is: 'filter' }> {
    let filter = this.parseFilter(undefined);
    while (this.skip('operator', '|')) filter = this.parseFilter(filter);
    return filter;
  }

  private parseTarget(): Target {
    const items: Target[] = [];
    let isTuple = false;
    do {
      if (items.length > 0) isTuple = true;
      if (!this.sees('name') && !this.sees('operator', '(')) break; // a comma at the end
      items.push(this.parseOneTarget());
    } while (this.skip('operator', ','));
    if (items.length === 0) throw this.unexpected('a name');
    return isTuple ? { is: 'tuple', items } : items[0]!;
  }

  private parseOneTarget(): Target {
    if (this.skip('operator', '(')) {
      const inner = this.parseTarget();
      this.expect('operator', ')');
      return inner;
    }
    const name = this.expect('name');
    if (!this.skip('operator', '.')) return { is: 'name', name };
    return { is: 'namespace', name, attribute: this.expect('name') };
  }

  private parseMacro(): Statement {
    const name = this.expect('name');
    const [signature, body] = this.parseFunction(this.parseParameters(), 'endmacro');
    return { is: 'macro', name, signature, body };
  }

  private parseCallBlock(): Statement {
    const parameters = this.sees('operator', '(') ? this.parseParameters() : [];
    const call = this.parsePostfix({ is: 'name', name: this.expect('name') });
    if (call.is !== 'call') throw new TemplateError('expected call');
    const [signature, body] = this.parseFunction(parameters, 'endcall');
    return { is: 'call', call, signature, body };
  }

  private parseParameters(): Signature['parameters'] {
    const parameters: { name: string; fallback: Expression | undefined }[] = [];
    this.expect('operator', '(');
    while (!this.sees('operator', ')')) {
      if (parameters.length > 0) this.expect('operator', ',');
      const name = this.expect('name');
      const fallback = this.skip('operator', '=') ? this.parseExpression() : undefined;
      if (!fallback && parameters.at(-1)?.fallback) {
        throw new TemplateError('non-default argument follows default argument');
      }
      parameters.push({ name, fallback });
    }
    this.expect('operator', ')');
    return parameters;
  }

  private parseFunction(parameters: Signature['parameters'], end: string): [Signature, Body] {
    const outer = this.namesRead;
    this.namesRead = new Set();
    const body = this.parseBlock(end);
    const reads = this.namesRead;
    for (const name of reads) outer.add(name);
    this.namesRead = outer;
    return [{ parameters, varargs: reads.has('varargs'), kwargs: reads.has('kwargs') }, body];
  }

  private parseWith(): Statement {
    const variables: [Target, Expression][] = [];
    while (!this.sees('blockEnd')) {
      if (variables.length > 0) this.expect('operator', ',');
      const target = this.parseOneTarget();
      this.expect('operator', '=');
      variables.push([target, this.parseExpression()]);
    }
    return { is: 'with', variables, body: this.parseBlock('endwith') };
  }
}
