/** Stores the page for visits without a network. */
export class Offline {
  /** Everything is stored. */
  ready = $state(false);

  /** Begins after the page has loaded, so that nothing on it waits. Some browsers cannot do it. */
  async open(): Promise<void> {
    if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
    if (document.readyState !== 'complete') {
      await new Promise((resolve) => window.addEventListener('load', resolve, { once: true }));
    }
    try {
      await navigator.serviceWorker.register('./service-worker.js');
      await navigator.serviceWorker.ready;
      this.ready = true;
    } catch {
      // Refused, as in some private windows, or the storage is full: the page works online as before.
    }
  }
}
