import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { typeset } from './typeset.ts';

describe('typeset', () => {
  it('gives MathML alone, with places for numbers', () => {
    const mathml = typeset('A = \\frac{\\slot{reward}}{2}');
    expect(mathml).toMatch(/^<math [\s\S]*<\/math>$/);
    expect(mathml).toContain('<mn data-slot="reward">–</mn>');
    expect(mathml).not.toContain('annotation');
    expect(mathml).not.toContain('span');
  });

  it('refuses an invalid formula', () => {
    expect(() => typeset('\\frac{1}{')).toThrow(/KaTeX/);
    expect(() => typeset('\\unknown')).toThrow(/KaTeX/);
  });

  const folder = join(import.meta.dirname, 'formulas');
  it.each(readdirSync(folder))('sets %s', (file) => {
    const mathml = typeset(readFileSync(join(folder, file), 'utf8'));
    expect(mathml).toContain('<math');
    expect(mathml).not.toContain('slot:');
  });
});
