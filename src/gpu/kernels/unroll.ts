/** What `unroll` made of each text, by its counts: each layer of a model asks for the same kernels. */
const made = new Map<string, Map<string, string>>();

/**
 * Unrolls loops in kernel text: registers have no index, so accumulators must be named variables,
 * and an array of them would be in memory. `@for r ROWS` and `@end r`, each on its own line,
 * enclose lines that are copied once for each r in [0, counts.ROWS), with {r} replaced by the
 * value. With a count of 0 or 1, a part of the text is left out or kept.
 */
export function unroll(text: string, counts: Record<string, number>): string {
  const key = JSON.stringify(counts);
  const known = made.get(text) ?? new Map<string, string>();
  made.set(text, known);
  const unrolled = known.get(key) ?? expand(text, counts);
  known.set(key, unrolled);
  return unrolled;
}

function expand(text: string, counts: Record<string, number>): string {
  return text.replace(
    /^ *@for (\w+) (\w+)\n([\s\S]*?)^ *@end \1\n/gm,
    (_, name: string, count: string, body: string) => {
      const limit = counts[count];
      if (limit === undefined) throw new Error(`@for ${name} ${count}: counts has no ${count}`);
      const copies = Array.from({ length: limit }, (_, i) =>
        body.replaceAll(`{${name}}`, String(i)),
      );
      return expand(copies.join(''), counts);
    },
  );
}
