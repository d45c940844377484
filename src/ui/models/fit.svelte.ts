import { messageOf } from '../../app/message-of.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { forget, recall, remember } from '../remembered.ts';
import { modelsWorker } from './models-worker.ts';
import type { Fitting } from '../../app/workers/models.worker.ts';

const CARD = 'graphics-card-gb';
/** A plan is made when the settings have not changed for this long. */
const REST_MS = 250;

/** Will it fit: what the visitor sets for it, and what was planned. */
export class Fit {
  /** Memory of the graphics card in GB, as the visitor stated it; null if not stated. */
  card = $state<number | null>(null);
  planned = $state.raw<Fitting | null>(null);
  /** Why there is no plan, in a sentence. */
  problem = $state<string | null>(null);
  /** A plan is being made. */
  busy = $state(false);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private latest = 0;

  async open(): Promise<void> {
    const remembered = await recall<number>(CARD);
    if (remembered !== undefined) this.card = remembered;
  }

  setCard(gigabytes: number | null): void {
    this.card = gigabytes;
    void (gigabytes === null ? forget(CARD) : remember(CARD, gigabytes));
  }

  /** Plans a run soon, unless another request comes first. */
  plan(recipe: RecipeValues, card: number | null): void {
    clearTimeout(this.timer);
    this.busy = true;
    const number = ++this.latest;
    this.timer = setTimeout(() => void this.planNow(recipe, card, number), REST_MS);
  }

  private async planNow(recipe: RecipeValues, card: number | null, number: number): Promise<void> {
    try {
      const memory = card === null ? undefined : 1e9 * card;
      const planned = await modelsWorker().fit(recipe, memory);
      if (number !== this.latest) return;
      this.planned = planned;
      this.problem = null;
    } catch (error) {
      if (number !== this.latest) return;
      this.problem = messageOf(error);
    }
    this.busy = false;
  }
}
