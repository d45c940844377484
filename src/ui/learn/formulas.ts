/** The formulas of the Learn panel as MathML, by the name of their file. */
const files = import.meta.glob<string>('./formulas/*.tex', { eager: true, import: 'default' });

export const formulas: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(files).map(([path, mathml]) => [path.slice('./formulas/'.length, -4), mathml]),
);
