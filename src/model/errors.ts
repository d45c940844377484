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

/** A number that the model computes or holds is NaN or infinite. */
export class NotFiniteError extends Error {
  override name = 'NotFiniteError';

  /** @param finding which number it is, such as "a score is NaN" */
  constructor(readonly finding: string) {
    super(
      `${finding}. The model's weights are damaged, or too large to compute with; use another ` +
        'checkpoint',
    );
  }
}

/** @throws NotFiniteError when one of the values is not finite; `what` names it: "a score" */
export function requireFinite(what: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw new NotFiniteError(`${what} is ${values[i]}`);
  }
}
