const STORED = 'motion';

/** Whether the page may move by itself: the system's preference, until the visitor chooses. */
class Motion {
  private readonly system = window.matchMedia('(prefers-reduced-motion: reduce)');
  private chosen = $state<boolean | null>(readChoice());
  private systemStopped = $state(this.system.matches);
  readonly stopped = $derived(this.chosen ?? this.systemStopped);

  constructor() {
    this.system.addEventListener('change', (event) => (this.systemStopped = event.matches));
    this.mark();
  }

  stop(stopped: boolean): void {
    this.chosen = stopped;
    this.mark();
    try {
      localStorage.setItem(STORED, stopped ? 'off' : 'on');
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
  }

  private mark(): void {
    document.documentElement.dataset['motion'] = this.stopped ? 'off' : 'on';
  }
}

function readChoice(): boolean | null {
  try {
    const stored = localStorage.getItem(STORED);
    return stored === null ? null : stored === 'off';
  } catch {
    return null;
  }
}

export const motion = new Motion();
