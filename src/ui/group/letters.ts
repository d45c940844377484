/** The name of a try, by its place in the group: A, B, C, and numbers when the letters run out. */
export function letter(index: number): string {
  return index < 26 ? String.fromCharCode(65 + index) : String(index + 1);
}
