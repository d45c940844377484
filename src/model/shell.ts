/** A word of a command that people copy: in quotes where a shell would read it otherwise. */
export const shell = (text: string): string =>
  /^[\w./:@=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
