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
  id = '';
  /** @type {Record<string, unknown>[]} */
  rows = [];
  done = 0;
  saved = 0;
  /** Whether every step is saved. */
  saves = true;
  /** Steps take no time, have long traces, and after the first ones write nothing. */
  quick = false;
  /** To save after this step. */
  asked = false;
  maxSteps = 0;
  /** As if a thought were worth one point. */
  gold = 2;
  /** Runs on until this many steps are done. */
  goal = 0;

  /**
   * @param {import('../../src/app/training-service.ts').NewRun} run
   * @param {import('comlink').Remote<Listener>} listener
   */
  async begin({ id, recipe }, listener) {
    if (recipe.fail) throw new Error('The reward model is not there: run npm start again.');
    await this.open(id, listener, recipe);
    await write(id, 'recipe.yaml', JSON.stringify(recipe));
  }

  /**
   * @param {import('../../src/app/training-service.ts').StoredRunEnd} run
   * @param {import('comlink').Remote<Listener>} listener
   */
  async goOn({ id, maxSteps }, listener) {
    /** @type {import('../../src/rl/recipe/values.ts').RecipeValues} */
    const stored = JSON.parse(await read(id, 'recipe.yaml'));
    const recipe = { ...stored, ...(maxSteps && { max_steps: maxSteps }) };
    await this.open(id, listener, recipe);
    await write(id, 'recipe.yaml', JSON.stringify(recipe));
    const saved = (await read(id, 'metrics.jsonl')).split('\n').filter(Boolean);
    for (let i = 0; i < saved.length; i++) await this.report();
    this.saved = this.done;
  }

  /**
   * @param {string} id
   * @param {import('comlink').Remote<Listener>} listener
   * @param {import('../../src/rl/recipe/values.ts').RecipeValues} recipe
   */
  async open(id, listener, recipe) {
    this.id = id;
    this.listener = listener;
    this.maxSteps = Number(recipe.max_steps);
    this.gold = recipe.thinking === false ? 1 : 2;
    this.saves = recipe.save_steps !== 1000;
    this.quick = recipe.quick === true;
    this.send('loading');
    await hold(id);
    await pause(STEP_MS);
    this.send('compiling');
    await pause(STEP_MS);
  }

  save() {
    this.asked = true;
  }

  /** As the real worker does: metrics, and a checkpoint that has no weights. */
  async write() {
    const { done } = this;
    await write(
      this.id,
      'metrics.jsonl',
      this.rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    );
    for (const name of ['model.safetensors', 'optimizer.safetensors']) {
      await write(this.id, `checkpoints/step-${done}/${name}`, SAFETENSORS);
    }
    await write(
      this.id,
      `checkpoints/step-${done}/trainer_state.json`,
      JSON.stringify({ global_step: done }),
    );
    if (done === this.maxSteps) await write(this.id, 'summary.json', '{}');
    this.saved = done;
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
    this.send('training', 'writing 128 completions (50%)');
    await pause(this.quick ? 0 : STEP_MS);
    await this.report();
    const saves = this.saves && !(this.quick && this.done > 20);
    if (saves || this.asked || this.done === this.maxSteps) await this.write();
    this.asked = false;
    this.send('training', 'updating');
  }

  async report() {
    this.done++;
    const rewards = [1, 2, 3, 6].map((reward) => reward + this.done / 10);
    const mean = 3 + this.done / 10;
    const metrics = {
      step: this.done,
      reward: mean,
      gold: this.gold + this.done / 20,
      kl: this.done / 1000,
      // Sparse, as evaluations are.
      ...(this.done % 4 === 0 && { eval_reward: mean / 2 }),
      step_time: STEP_MS / 1000,
      num_tokens: this.done * 400,
    };
    this.rows.push(metrics);
    const prompt = 'menu rice 2 plums 3 for ana veggie budget 8';
    const group = {
      prompt,
      samples: rewards.map((reward, i) => ({
        completion: `try rice </think> how about rice , then plums ?`,
        thought: `try rice 2 ok plums 3 ok left ${i}`,
        response: 'how about rice , then plums ?',
        wellFormed: true,
        truncated: false,
        tokens: 17,
        reward,
        advantage: (reward - mean) / 2.16,
        ...(this.quick && { trace: longTrace(this.done, i) }),
      })),
      mean,
      std: 2.16,
    };
    const completions = group.samples.map((sample) =>
      JSON.stringify({ ...metrics, prompt, ...sample }),
    );
    if (!this.quick || this.done <= 20) {
      await write(this.id, `completions/step-${this.done}.jsonl`, `${completions.join('\n')}\n`);
    }
    await this.listener?.onStep({ metrics, group });
  }

  /**
   * @param {Status['phase']} phase
   * @param {string} [detail]
   */
  send(phase, detail) {
    /** @type {Status} */
    const status = { phase, step: this.done, maxSteps: this.maxSteps, adapter: 'a fake adapter' };
    if (detail) status.detail = detail;
    if (this.done) Object.assign(status, { secondsPerStep: STEP_MS / 1000 });
    if (this.saved) status.savedStep = this.saved;
    void this.listener?.onStatus(status);
  }
}

/** @param {number} step @param {number} sample */
function longTrace(step, sample) {
  const tokens = Array.from({ length: 200 }, (_, i) => i);
  return {
    text: tokens.map((i) => `${step}, ${sample}: ${i} `),
    logp: tokens.map((i) => -i / 7 - step),
    entropy: tokens.map((i) => i / 9 + step),
  };
}

/** A file without a tensor. */
const SAFETENSORS = new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 123, 125]);

/** @param {string} id @param {string} path @param {boolean} create */
async function fileOf(id, path, create) {
  const parts = ['runs', id, ...path.split('/')];
  let folder = await navigator.storage.getDirectory();
  for (const part of parts.slice(0, -1)) folder = await folder.getDirectoryHandle(part, { create });
  return folder.getFileHandle(parts.at(-1) ?? '', { create });
}

/** @param {string} id @param {string} path @param {string | Uint8Array<ArrayBuffer>} data */
async function write(id, path, data) {
  const stream = await (await fileOf(id, path, true)).createWritable();
  await stream.write(data);
  await stream.close();
}

/** @param {string} id @param {string} path */
async function read(id, path) {
  return (await (await fileOf(id, path, false)).getFile()).text();
}

/** The lock of a run, until this worker is closed. @param {string} id @returns {Promise<void>} */
function hold(id) {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(1000);
    navigator.locks
      .request(`run ${id}`, { signal }, () => {
        resolve();
        return new Promise(() => undefined);
      })
      .catch(() => reject(new Error('This run is training in another tab.')));
  });
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

Comlink.expose(new FakeService());
