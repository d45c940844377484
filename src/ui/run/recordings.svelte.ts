/** The runs that ship with the page: which have been fetched, and which a copy of the page lacks. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { messageOf } from '../../app/message-of.ts';
import type { RecordedRun } from '../../rl/runs/record.ts';
import { fetchRecordedRun, RECORDINGS, type Recording } from './recorded.ts';

const [FIRST, ...OTHERS] = RECORDINGS;

export class Recordings {
  private readonly fetched = new SvelteMap<string, RecordedRun>();
  private readonly absent = new SvelteSet<string>();
  /** Why there is no first run, in a sentence. */
  problem = $state<string | null>(null);
  /** The run that the page opens with. */
  readonly first = $derived(this.get(FIRST));

  /** `onFetched` is called with each run that arrives. */
  constructor(private readonly onFetched: (recording: Recording, run: RecordedRun) => void) {}

  get({ id }: Pick<Recording, 'id'>): RecordedRun | undefined {
    return this.fetched.get(id);
  }

  /**
   * Whether there is, or may yet be, such a run. A button for one that is still to come is there from the
   * beginning, so that nothing moves when it has arrived.
   */
  mayHave({ id }: Recording): boolean {
    return this.fetched.has(id) || (id !== FIRST.id && !this.absent.has(id));
  }

  async fetchFirst(): Promise<void> {
    await this.fetch(FIRST).catch((error: unknown) => {
      this.problem = messageOf(error);
    });
  }

  fetchOthers(): void {
    for (const recording of OTHERS) {
      void this.fetch(recording).catch(() => this.absent.add(recording.id));
    }
  }

  private async fetch(recording: Recording): Promise<void> {
    const run = await fetchRecordedRun(recording.file);
    this.fetched.set(recording.id, run);
    this.onFetched(recording, run);
  }
}
