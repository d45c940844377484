// Stands in for the policy worker, so that the page's controls can be tested without a GPU and
// without waiting: a step takes a moment and its numbers mean nothing. The page's end-to-end test
// serves this file in the worker's place.
import * as Comlink from 'comlink';

/** @typedef {import('../../src/app/training-service.ts').TrainingListener} Listener */
/** @typedef {import('../../src/app/training-service.ts').Status} Status */

const STEP_MS = 120;

class FakeService {
  /** @type {import('comlink').Remote<Listener> | undefined} */
  listener;
  done = 0;
  maxSteps = 0;
  /** As if a thought were worth one point. */
  gold = 2;
  /** Runs on until this many steps are done. */
  goal = 0;

  /**
   * @param {import('../../src/rl/recipe/values.ts').RecipeValues} recipe
   * @param {import('comlink').Remote<Listener>} listener
   * @param {boolean} resume
   */
  async open(recipe, listener, resume) {
    this.listener = listener;
    this.maxSteps = Number(recipe.max_steps);
    this.gold = recipe.thinking === false ? 1 : 2;
    if (recipe.fail) throw new Error('The reward model is not there: run npm start again.');
    this.send('loading');
    await pause(STEP_MS);
    this.send('compiling');
    await pause(STEP_MS);
    // As if the kept run had three steps.
    if (resume) for (let i = 0; i < 3; i++) await this.one();
  }

  async start() {
    this.goal = this.maxSteps;
    while (this.done < this.goal) await this.one();
    this.send(this.done === this.maxSteps ? 'finished' : 'paused');
  }

  pause() {
    this.goal = 0;
  }

  async step() {
    await this.one();
    this.send('paused');
  }

  stop() {
    this.goal = 0;
    this.send('stopped');
  }

  async one() {
    this.send('training', 'writing 8 samples (50%)');
    await pause(STEP_MS);
    this.done++;
    const rewards = [1, 2, 3, 6].map((reward) => reward + this.done / 10);
    const mean = 3 + this.done / 10;
    await this.listener?.onStep({
      metrics: {
        step: this.done,
        reward: mean,
        gold: this.gold + this.done / 20,
        kl: this.done / 1000,
        // Sparse, as evaluations are.
        ...(this.done % 4 === 0 && { eval_reward: mean / 2 }),
        step_time: STEP_MS / 1000,
        num_tokens: this.done * 400,
      },
      group: {
        prompt: 'menu rice 2 plums 3 for ana veggie budget 8',
        samples: rewards.map((reward, i) => ({
          completion: `try rice </think> how about rice , then plums ?`,
          thought: `try rice 2 ok plums 3 ok left ${i}`,
          response: 'how about rice , then plums ?',
          wellFormed: true,
          truncated: false,
          tokens: 17,
          reward,
          advantage: (reward - mean) / 2.16,
        })),
        mean,
        std: 2.16,
      },
    });
    this.send('training', 'updating');
  }

  /**
   * @param {Status['phase']} phase
   * @param {string} [detail]
   */
  send(phase, detail) {
    /** @type {Status} */
    const status = { phase, step: this.done, maxSteps: this.maxSteps, adapter: 'a fake adapter' };
    if (detail) status.detail = detail;
    if (this.done) Object.assign(status, { secondsPerStep: STEP_MS / 1000, savedStep: this.done });
    void this.listener?.onStatus(status);
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

Comlink.expose(new FakeService());
