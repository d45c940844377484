import { messageOf } from '../../app/message-of.ts';
import { removeStoredData, storeData } from '../../app/stored-data.ts';
import type { JudgedText } from '../../rl/rewards/reward.ts';
import { tryRule } from './try-rule.ts';

/** What a rule gave each of the texts it was tried on. */
interface Trial {
  texts: readonly JudgedText[];
  scores: readonly number[];
}

const NAME = /^[\w-]{1,40}$/;

/** A rule as it is being written; it is kept in this browser under its name. */
export class RuleDraft {
  name: string = $state('');
  source: string = $state('');
  weight = $state(1);
  /** Whether training uses it. */
  used = $state(true);
  trying = $state(false);
  trial = $state.raw<Trial | null>(null);
  /** Why the last trial, or storing, failed. */
  error = $state<string | null>(null);
  readonly file = $derived(`${this.name}.js`);
  readonly nameProblem = $derived(
    NAME.test(this.name) ? null : 'A name may have only letters, digits, - and _.',
  );
  /** The stored text, and its file. */
  private stored = $state.raw<{ file: string; source: string } | null>(null);

  constructor(name: string, source: string, stored: boolean) {
    this.name = name;
    this.source = source;
    this.stored = stored ? { file: `${name}.js`, source } : null;
    this.used = !stored;
  }

  /** The file in which the next visit finds it; null before it is saved. */
  get storedFile(): string | null {
    return this.stored?.file ?? null;
  }

  async save(): Promise<void> {
    const { file, source, stored } = this;
    if (this.nameProblem || (stored?.file === file && stored.source === source)) return;
    await storeData(file, source);
    if (stored && stored.file !== file) await removeStoredData(stored.file);
    this.stored = { file, source };
  }

  async remove(): Promise<void> {
    if (this.stored) await removeStoredData(this.stored.file);
  }

  /** Runs it on some responses; a problem ends up in `error`. */
  async try(texts: readonly JudgedText[]): Promise<void> {
    this.trying = true;
    this.error = null;
    this.trial = null;
    try {
      await this.save();
      this.trial = { texts, scores: await tryRule(this.file, texts) };
    } catch (error) {
      this.error = messageOf(error);
    }
    this.trying = false;
  }
}
