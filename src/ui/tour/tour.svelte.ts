import type { SectionId } from '../settings/sections.ts';
import { stops, type Stop } from './stops.ts';

const KEY = 'tour';

/** The guided tour: one for the page. */
class Tour {
  stops = $state.raw<readonly Stop[]>([]);
  at = $state(0);
  /** Whether it was taken, or ended early, in this browser before. */
  done = $state(readDone());
  readonly stop = $derived(this.stops[this.at]);

  begin(hides: (section: SectionId) => boolean): void {
    this.stops = stops.filter(({ section }) => !section || !hides(section));
    this.at = 0;
  }

  end(): void {
    this.stops = [];
    this.done = true;
    try {
      localStorage.setItem(KEY, 'done');
    } catch {
      // Storage is blocked: the tour is offered again.
    }
  }
}

function readDone(): boolean {
  try {
    return localStorage.getItem(KEY) === 'done';
  } catch {
    return false;
  }
}

export const tour = new Tour();
