/** What people are told of an error: its message; JavaScript can throw other things as well. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
