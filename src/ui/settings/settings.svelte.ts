import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import { readLink, writeLink, type LinkState } from './link.ts';
import type { SectionId } from './sections.ts';
import { type ViewId } from '../views/views.ts';
import { without } from './without.ts';

/** The view, and what the visitor or the visitor's link has set. The address of the page always holds both. */
export class Settings {
  view = $state<ViewId>('watch');
  /** What differs from the default recipe. Values as they were given: recipe.ts checks them. */
  overrides = $state.raw<RecipeValues>({});
  /** Ids of sections that a link hides. */
  hidden = $state.raw<readonly string[]>([]);
  /** A link may lock the recipe, for a class. */
  locked = $state(false);
  /** The recipe form refuses the settings. */
  refused = $state(false);
  /** What is wrong with the link, in a sentence. */
  problem = $state<string | null>(null);

  constructor() {
    this.read();
    // Back and forward, and links within the page.
    window.addEventListener('popstate', () => this.read());
  }

  hides(section: SectionId): boolean {
    return this.hidden.includes(section);
  }

  /** Shows a view; the browser's back button shows the one before. */
  go(view: ViewId): void {
    if (view === this.view) return;
    history.pushState(null, '', this.linkOf({ view }));
    this.view = view;
  }

  /** Sets a key; undefined is its default. */
  set(key: string, value: RecipeValue | undefined): void {
    const others = without(this.overrides, key);
    this.replace(value === undefined ? others : { ...others, [key]: value });
  }

  replace(overrides: RecipeValues): void {
    if (this.locked) return;
    const link = this.linkOf({ overrides });
    if (link === this.linkOf({})) return;
    this.overrides = overrides;
    this.problem = null;
    history.pushState(null, '', link);
  }

  /** The address of this page with these settings and a change. */
  linkOf(change: Partial<LinkState>): string {
    const { view, overrides, hidden, locked } = this;
    const { origin, pathname, search } = location;
    return origin + pathname + search + writeLink({ view, overrides, hidden, locked, ...change });
  }

  private read(): void {
    const { view, overrides, hidden, locked, unknown } = readLink(location.hash);
    Object.assign(this, { view, overrides, hidden, locked });
    this.problem = unknown.length
      ? `The link sets ${unknown.join(', ')}, which this page does not know; the rest of the link applies.`
      : null;
  }
}
