/** A checkpoint that cannot be read; the message says what is wrong, in which file, and what to do. */
export class CheckpointError extends Error {
  override name = 'CheckpointError';
}

/** A value of a file for a message: as JSON, and short. */
export function shown(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
