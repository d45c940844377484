/** A checkpoint that cannot be read; the message says what is wrong, in which file, and what to do. */
export class CheckpointError extends Error {
  override name = 'CheckpointError';
}
