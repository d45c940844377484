import type { RecipeValue, RecipeValues } from '../../rl/recipe/values.ts';
import { readLink, writeLink, type LinkState } from './link.ts';
import type { SectionId } from './sections.ts';
import { without } from './without.ts';

/** What the visitor, or the link they came by, has set. The address of the page always says it. */
export class Settings {
  /** What differs from the default recipe. Values as they were given: recipe.ts checks them. */
  overrides = $state.raw<RecipeValues>({});
  /** Ids of sections that a link hides. */
  hidden = $state.raw<readonly string[]>([]);
  /** A link may fix the recipe, for a class. */
  locked = $state(false);
  /** What the link says that nobody here understands, in a sentence. */
  problem = $state<string | null>(null);

  constructor() {
    this.read();
    // Back and forward, and links within the page.
    window.addEventListener('popstate', () => this.read());
  }

  hides(section: SectionId): boolean {
    return this.hidden.includes(section);
  }

  /** undefined is the default. */
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

  /** The address of this page with these settings, and what is changed of them. */
  linkOf(change: Partial<LinkState>): string {
    const { overrides, hidden, locked } = this;
    const { origin, pathname, search } = location;
    return origin + pathname + search + writeLink({ overrides, hidden, locked, ...change });
  }

  private read(): void {
    const { overrides, hidden, locked, unknown } = readLink(location.hash);
    Object.assign(this, { overrides, hidden, locked });
    this.problem = unknown.length
      ? `The link sets ${unknown.join(', ')}, which this page does not know; the rest of it applies.`
      : null;
  }
}
