/** What typeset.ts makes of a formula. */
declare module '*.tex' {
  const mathml: string;
  export default mathml;
}
