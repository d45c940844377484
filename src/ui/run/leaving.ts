import type { Live } from './live.svelte.ts';

/** When the page is hidden its run is saved; leaving it while steps are unsaved asks first. */
export function guardLeaving(live: Live): void {
  const save = (): void => void live.save();
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') save();
  });
  window.addEventListener('pagehide', save);
  window.addEventListener('beforeunload', (event) => {
    if (live.unsavedSteps === 0) return;
    // It may be saved by the time the visitor answers.
    save();
    event.preventDefault();
  });
}
