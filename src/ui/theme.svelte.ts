type Theme = 'light' | 'dark';

const STORED = 'theme';

/** The system's preference, until the visitor chooses (index.html applies a stored choice). */
class ThemeState {
  private readonly system = window.matchMedia('(prefers-color-scheme: dark)');
  private chosen = $state<Theme | null>(readChoice());
  private systemDark = $state(this.system.matches);
  readonly current = $derived<Theme>(this.chosen ?? (this.systemDark ? 'dark' : 'light'));

  constructor() {
    this.system.addEventListener('change', (event) => (this.systemDark = event.matches));
  }

  toggle(): void {
    this.chosen = this.current === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = this.chosen;
    try {
      localStorage.setItem(STORED, this.chosen);
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
  }
}

function readChoice(): Theme | null {
  const theme = document.documentElement.dataset['theme'];
  return theme === 'light' || theme === 'dark' ? theme : null;
}

export const theme = new ThemeState();
