/** Puts formulas on the page: the only texts that become markup, typeset when the page was built. */
import { trustedTypes } from '../trusted-types.ts';
import { formulas } from './formulas.ts';

const markupOf = (name: string): string => formulas[name] ?? '';
const policy = trustedTypes?.createPolicy('formulas', { createHTML: markupOf });

/** @param name of a formula; for any other text the element becomes empty */
export function placeFormula(element: Element, name: string): void {
  element.innerHTML = policy?.createHTML(name) ?? markupOf(name);
}
