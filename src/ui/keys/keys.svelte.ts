/** Keyboard shortcuts: single keys, which the visitor can turn off. */
import type { ViewId } from '../views/views.ts';
import { VIEWS } from '../views/views.ts';

interface Shortcut {
  /** As KeyboardEvent.key has it. */
  key: string;
  does: string;
  run: () => void;
}

interface Commands {
  go(view: ViewId): void;
  /** Pauses or continues the training; else the replay. */
  playOrPause(): void;
  /** Moves the playhead by so many steps. */
  move(steps: number): void;
  find(): void;
  twin(): void;
  list(): void;
}

export function shortcutsOf(commands: Commands): Shortcut[] {
  const views = Object.entries(VIEWS).map(([view, { title }], i) => ({
    ...{ key: String(i + 1), does: `Show ${title}` },
    run: () => commands.go(view as ViewId),
  }));
  return [
    ...views,
    { key: 'p', does: 'Pause or continue', run: () => commands.playOrPause() },
    { key: ',', does: 'One step back', run: () => commands.move(-1) },
    { key: '.', does: 'One step forward', run: () => commands.move(1) },
    { key: '/', does: 'Find a metric, or a setting', run: () => commands.find() },
    { key: 't', does: 'Train a twin of the run on view', run: () => commands.twin() },
    { key: '?', does: 'Show this list', run: () => commands.list() },
  ];
}

/** The shortcut that a key press means; none while somebody types or a dialog is open. */
export function shortcutFor(
  event: KeyboardEvent,
  shortcuts: readonly Shortcut[],
): Shortcut | undefined {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return undefined;
  if (event.target instanceof Element && event.target.matches(TYPING)) return undefined;
  if (document.querySelector('dialog[open]')) return undefined;
  return shortcuts.find(({ key }) => key === event.key);
}

const TYPING =
  'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range])';

const STORED = 'shortcuts';

/** Single keys get in the way of speech input, so they can be turned off. */
class Keys {
  on = $state(read() !== 'off');

  turn(on: boolean): void {
    this.on = on;
    try {
      localStorage.setItem(STORED, on ? 'on' : 'off');
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

export const keys = new Keys();
