import { messageOf } from '../../app/message-of.ts';
import type { Written } from '../../app/policy-pair-service.ts';
import { storedPath } from '../../app/page-paths.ts';
import { newRunId, unknownFacts } from '../../app/runs/facts.ts';
import type { Status } from '../../app/training-service.ts';
import { Random } from '../../rl/random.ts';
import { storeData } from '../../app/stored-data.ts';
import {
  tasteModelRecipe,
  labelRows,
  splitLabels,
  TASTE_FILE,
  TASTE_MODEL,
  tastePolicyRecipe,
  type TasteLabel,
} from '../../app/taste.ts';
import { drawPrompt, promptText } from '../../rl/world/prompts.ts';
import { recall, remember } from '../remembered.ts';
import { connectPolicyWorker } from '../run/policy-worker.ts';
import type { PageState } from '../run/page-state.svelte.ts';
import type { Generator } from '../try/generator.svelte.ts';
import { agreement, compare, keepModel, type Agreement, type TasteComparison } from './judging.ts';

/** Two responses to one prompt, in the order in which they are shown. */
interface TastePair {
  prompt: string;
  responses: readonly [string, string];
}

const KEY = 'taste';
/** Prompts that are answered at once. */
const BATCH = 8;

/** A person's labels, the judge that is trained on them, and its opinion of the policy. */
export class Taster {
  labels = $state.raw<readonly TasteLabel[]>([]);
  pairs = $state.raw<readonly TastePair[]>([]);
  /** Steps of the judge's training done and to be done, while it trains. */
  training = $state.raw<{ step: number; maxSteps: number } | null>(null);
  agreement = $state.raw<Agreement | null>(null);
  comparison = $state.raw<TasteComparison | null>(null);
  /** The page waits for the policy's first or next responses. */
  waiting = $state(false);
  comparing = $state(false);
  error = $state<string | null>(null);
  readonly pair = $derived(this.pairs[0]);
  /** Number of prompts drawn so far, so that the next ones are new. */
  private drawn = 0;
  /** Resolves when the responses being written are there. */
  private writing: Promise<void> | null = null;

  constructor(
    private readonly generator: Generator,
    private readonly page: Pick<PageState, 'shelf' | 'runs' | 'trainWith'>,
  ) {}

  /** Whether a judge has been trained. */
  get hasModel(): boolean {
    return this.page.shelf.models.some(({ name }) => name === TASTE_MODEL);
  }

  /** Reads the labels of earlier visits. */
  async open(): Promise<void> {
    const kept = await recall<{ labels: TasteLabel[]; drawn: number }>(KEY);
    if (!kept || this.labels.length > 0) return;
    this.labels = kept.labels;
    this.drawn = kept.drawn;
  }

  /** Prefers one of the two on view, which come in random order. */
  async choose(index: 0 | 1): Promise<void> {
    const { pair } = this;
    if (!pair || this.waiting) return;
    const { prompt, responses } = pair;
    this.labels = [
      ...this.labels,
      { prompt, chosen: responses[index], rejected: responses[1 - index]! },
    ];
    await this.leave(pair);
  }

  async skip(): Promise<void> {
    if (this.pair && !this.waiting) await this.leave(this.pair);
  }

  /** Takes the last label back, and shows its two responses again. */
  undo(): void {
    const last = this.labels.at(-1);
    if (!last) return;
    this.labels = this.labels.slice(0, -1);
    this.pairs = [shuffled(last.prompt, last.chosen, last.rejected), ...this.pairs];
    this.save();
  }

  forget(): void {
    this.labels = [];
    this.agreement = null;
    this.save();
  }

  /** Begins, or continues at a later visit. */
  async start(): Promise<void> {
    this.waiting = true;
    await this.write();
    this.waiting = false;
  }

  /** Trains a judge on the labels and stores it as a model; resolves when it is stored. */
  async trainModel(): Promise<void> {
    this.agreement = null;
    this.training = { step: 0, maxSteps: 0 };
    await this.guard(async () => {
      const { train, heldOut } = splitLabels(this.labels);
      await storeData(TASTE_FILE, labelRows(train));
      const id = newRunId();
      const { step } = await this.runTraining(id, train.length);
      await keepModel(id, step);
      await this.page.shelf.lookAgain();
      this.agreement = await this.generator.use(async (service) => {
        await service.forget(storedPath(TASTE_MODEL));
        return agreement(service, heldOut);
      });
    });
    this.training = null;
  }

  /** Begins a live run of the policy with this judge. */
  async trainPolicy(): Promise<void> {
    this.comparison = null;
    await this.page.trainWith(tastePolicyRecipe(storedPath(TASTE_MODEL)));
  }

  /** The policy before and after training on the same prompts, by this judge. */
  async compare(): Promise<void> {
    this.comparing = true;
    await this.guard(async () => {
      this.comparison = await this.generator.use((service, run) =>
        compare(service, run, storedPath(TASTE_MODEL)),
      );
    });
    this.comparing = false;
  }

  /** Trains the judge as a run of its own. */
  private runTraining(id: string, labels: number): Promise<Status> {
    const facts = { ...unknownFacts(id), name: `My taste, from ${labels} labels` };
    this.page.runs.beginElse(id, facts);
    let close = (): void => undefined;
    return new Promise<Status>((resolve, reject) => {
      const connection = connectPolicyWorker(reject);
      const { service } = connection;
      close = () => connection.close();
      const onStatus = (status: Status): void => {
        this.training = { step: status.step, maxSteps: status.maxSteps };
        if (status.phase === 'failed') reject(new Error(status.error));
        const isDone = status.maxSteps > 0 && status.step === status.maxSteps;
        // The judge is read from what is saved.
        if (isDone && status.unsaved !== undefined) reject(new Error(status.unsaved));
        else if (status.phase === 'finished') resolve(status);
      };
      service
        .begin(
          { id, recipe: tasteModelRecipe(labels, storedPath(TASTE_FILE)) },
          { onStatus, onStep: () => undefined },
        )
        .then(() => {
          void this.page.runs.writeFacts(id);
          return service.start();
        })
        .catch(reject);
    }).finally(() => {
      close();
      void this.page.runs.endElse(id);
    });
  }

  /** The last pair stays on view until there is another, so that the keyboard stays on it. */
  private async leave(pair: TastePair): Promise<void> {
    this.save();
    if (this.pairs.length === 1) await this.start();
    // Earlier pairs may be back by now.
    this.pairs = this.pairs.filter((other) => other !== pair);
    if (this.pairs.length < BATCH / 2) void this.write();
  }

  /** Two responses of the policy to each of a few new prompts. */
  private write(): Promise<void> {
    this.writing ??= this.guard(async () => {
      const prompts = Array.from({ length: BATCH }, (_, i) =>
        promptText(drawPrompt(new Random(this.drawn + i, 'taste'))),
      );
      const written = await this.generator.use((service, run) =>
        service.write(run, prompts, 2, this.drawn),
      );
      this.drawn += BATCH;
      const fresh = written.flatMap(([a, b], i) => differ(prompts[i]!, a, b));
      this.pairs = [...this.pairs, ...fresh];
    }).finally(() => (this.writing = null));
    return this.writing;
  }

  private save(): void {
    void remember(KEY, { labels: $state.snapshot(this.labels), drawn: this.drawn });
  }

  /** Puts the message of an error into `error`. */
  private async guard(work: () => Promise<void>): Promise<void> {
    this.error = null;
    try {
      await work();
    } catch (error) {
      this.error = messageOf(error);
    }
  }
}

/** Two responses that say the same leave nothing to choose. */
function differ(prompt: string, a?: Written, b?: Written): TastePair[] {
  if (!a || !b || a.response === b.response) return [];
  return [shuffled(prompt, a.response, b.response)];
}

function shuffled(prompt: string, a: string, b: string): TastePair {
  return { prompt, responses: Math.random() < 0.5 ? [a, b] : [b, a] };
}
