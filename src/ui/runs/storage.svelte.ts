import { formatBytes } from '../../app/format.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { modelsWorker } from '../models/models-worker.ts';

/** The browser's storage of this page: how much is used, and whether a run will fit. */
export class BrowserStorage {
  /** Bytes; null where the browser does not say. */
  used = $state<number | null>(null);
  free = $state<number | null>(null);
  /** Whether the browser has promised not to delete it when it runs short of space. */
  persisted = $state(false);

  async measure(): Promise<void> {
    const { quota, usage } = await orElse(() => navigator.storage.estimate(), {});
    this.used = usage ?? null;
    this.free = quota === undefined ? null : quota - (usage ?? 0);
    this.persisted = await orElse(() => navigator.storage.persisted(), false);
  }

  /** Asks the browser to keep what is stored. Some browsers ask the visitor. */
  async persist(): Promise<void> {
    this.persisted = await orElse(() => navigator.storage.persist(), false);
  }

  /** Why a run with this recipe will not fit, and what to do; null if it fits, or nothing is known. */
  async problemWith(recipe: RecipeValues): Promise<string | null> {
    // A recipe that cannot be trained says so when it is trained.
    const bytes = await orElse(() => modelsWorker().runBytes(recipe), 0);
    await this.measure();
    if (this.free === null || bytes <= this.free) return null;
    return (
      `This run will write about ${formatBytes(bytes)}, and this browser has ` +
      `${formatBytes(this.free)} left. Delete runs or models that you do not need, train an adapter ` +
      '(use_peft), or keep one checkpoint (save_total_limit: 1).'
    );
  }
}

/** Some browsers, and pages without https, have no storage. */
async function orElse<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await ask();
  } catch {
    return otherwise;
  }
}
