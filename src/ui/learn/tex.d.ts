/** The MathML that typeset.ts makes from a formula. */
declare module '*.tex' {
  const mathml: string;
  export default mathml;
}
