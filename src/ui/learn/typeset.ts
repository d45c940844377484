/**
 * Formulas are typeset when the page is built: importing a .tex file gives MathML, which browsers
 * draw without fonts, styles or code of ours. `\slot{name}` in the source is a place that the page
 * fills with a number.
 */
import katex from 'katex';
import type { Plugin } from 'vite';

/** @throws katex.ParseError if `tex` is not a valid formula */
export function typeset(tex: string): string {
  const mathml = katex.renderToString(tex.trim(), {
    output: 'mathml',
    displayMode: true,
    strict: 'error',
    macros: { '\\slot': '\\text{slot:#1}' },
  });
  return (
    mathml
      // KaTeX wraps the formula and appends its source, which some screen readers would read out.
      .replace(/^<span class="katex">|<\/span>$/g, '')
      .replace(/<annotation[\s\S]*?<\/annotation>/g, '')
      .replace(/<mtext>slot:(\w+)<\/mtext>/g, '<mn data-slot="$1">–</mn>')
  );
}

export function texPlugin(): Plugin {
  return {
    name: 'tex',
    enforce: 'pre',
    transform(source, id) {
      if (!id.endsWith('.tex')) return null;
      return { code: `export default ${JSON.stringify(typeset(source))};`, map: null };
    },
  };
}
