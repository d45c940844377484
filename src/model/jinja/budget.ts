/** What the rendering of one chat template may use. A template is foreign code (../foreign.ts). */

/** Expressions and statements; a template of a long conversation takes some thousands. */
const MOST_STEPS = 500_000;
/** Bytes of all texts and lists together. */
const MOST_BYTES = 100_000_000;
/** A loop makes a scope for each item of its list. */
const ITEM_BYTES = 400;

export class TemplateBudget {
  private steps = 0;
  private bytes = 0;

  /** @throws RangeError when there were too many */
  step(): void {
    if (++this.steps > MOST_STEPS) throw new RangeError('it takes too many steps');
  }

  /**
   * Counts a text or a list that was made.
   * @throws RangeError when all together are too long
   */
  make(length: number, isList = false): void {
    this.bytes += isList ? ITEM_BYTES * length : length;
    if (this.bytes > MOST_BYTES) throw new RangeError('it makes too long texts or lists');
  }
}
