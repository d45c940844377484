/**
 * Unrolls loops in kernel text, because registers have no index: an indexed array of accumulators
 * lands in memory. `@for r ROWS` ... `@end r`, each on a line of its own, becomes one copy of what
 * is between per value of r below counts.ROWS, with {r} replaced by the value.
 */
export function unroll(text: string, counts: Record<string, number>): string {
  return text.replace(
    /^ *@for (\w+) (\w+)\n([\s\S]*?)^ *@end \1\n/gm,
    (_, name: string, count: string, body: string) => {
      const limit = counts[count];
      if (limit === undefined) throw new Error(`no count for @for ${name} ${count}`);
      const copies = Array.from({ length: limit }, (_, i) =>
        body.replaceAll(`{${name}}`, String(i)),
      );
      return unroll(copies.join(''), counts);
    },
  );
}
