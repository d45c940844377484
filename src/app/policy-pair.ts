/**
 * A policy before and after training, with the same questions to both: the model that a run started
 * from, and its last checkpoint (without a run, the policies that ship with the page). It does not
 * depend on workers, so tests can use it directly.
 */
import type { CheckpointFolder } from '../model/files.ts';
import { samplingOf, type Draft, type Judgement, type Policy, type Question } from './answer.ts';
import { answerBoth } from './answer-both.ts';
import { judgePair, type JudgedPair, type PairJudges, type PairProgress } from './judge-pair.ts';
import { freePolicies, loadPolicies, type Policies } from './pair-policies.ts';
import type {
  BlindRound,
  Judged,
  PolicyPairService,
  RoundSize,
  Side,
  Stoppable,
  Trained,
  Written,
  WrittenByBoth,
} from './policy-pair-service.ts';
import {
  hasRewards,
  makeRecipe,
  parseRecipe,
  RecipeError,
  type Recipe,
} from '../rl/recipe/recipe.ts';
import { PromptedJudge } from '../rl/rewards/prompted-judge.ts';
import type { JudgedText, Reward } from '../rl/rewards/reward.ts';
import { findCheckpoint, lastCheckpoint, runCheckpoint } from '../rl/runs/checkpoints.ts';
import { nowhere, readText, type RunFolder } from '../rl/runs/run-folder.ts';
import { sampleCompletions } from '../rl/rollout/sample.ts';
import { heldOutPrompts } from './held-out.ts';
import type { Surroundings } from './opening/surroundings.ts';
import type { Prompt } from '../rl/data/dataset.ts';
import { rolloutOptions } from '../rl/rollout/rollout.ts';
import { RunJudges } from './run-judges.ts';

export interface PolicyPairSurroundings extends Pick<
  Surroundings,
  'gpu' | 'folder' | 'baseFolder' | 'readFile'
> {
  /** The folder of a stored run; empty if there is no such run. */
  run(id: string): Promise<RunFolder>;
}

/** Seed of the prompts and of the sampling when judges compare. */
const JUDGING_SEED = 0;

/** The last checkpoint of the recorded run, which ships with the page. */
const SHIPPED = 'public/models/trained';

interface Loaded {
  /** Identifies this pair of checkpoints. */
  key: string;
  recipe: Recipe;
  trained: Trained;
  policies: Policies;
}

/** The policies of a call that needs both. */
interface Both extends Loaded {
  policies: Record<Side, Policy>;
}

export class PolicyPair implements PolicyPairService {
  private opened: Promise<PolicyPairSurroundings> | undefined;
  private loaded: Loaded | undefined;
  /** Settled when no caller uses the policies any more. */
  private turn: Promise<unknown> = Promise.resolve();
  /** The last call of each kind. */
  private readonly asked: Partial<Record<Stoppable, { stopped: boolean }>> = {};
  private readonly judges = new RunJudges(() => this.around());

  constructor(
    private readonly surroundings: () => Promise<PolicyPairSurroundings>,
    /** The recipe of the shipped policies. */
    private readonly defaults: Readonly<Record<string, unknown>>,
  ) {}

  async ask(
    run: string | null,
    question: Question,
    onTrained: (trained: Trained) => void,
    onDraft: (side: Side, draft: Draft) => void,
  ): Promise<void> {
    const throwIfStopped = this.begin('question');
    await this.inTurn(run, async ({ policies, recipe, trained }) => {
      throwIfStopped();
      onTrained(trained);
      const judge = (texts: readonly JudgedText[]): Promise<Judgement[]> =>
        this.judges.judge(recipe, texts);
      await answerBoth(policies, recipe, question, judge, (side, draft) => {
        throwIfStopped();
        onDraft(side, draft);
      });
    });
  }

  stop(what: Stoppable): Promise<void> {
    const asked = this.asked[what];
    if (asked) asked.stopped = true;
    return Promise.resolve();
  }

  /** @returns what throws once this call is stopped */
  private begin(what: Stoppable): () => void {
    const asked: { stopped: boolean } = { stopped: false };
    this.asked[what] = asked;
    return () => {
      if (asked.stopped) throw new Error(`The ${what} was stopped.`);
    };
  }

  judgePair(
    run: string | null,
    { prompts, models, lengthMargin }: PairJudges,
    onProgress: (progress: PairProgress) => void,
  ): Promise<{ trained: Trained; judged: JudgedPair }> {
    const throwIfStopped = this.begin('judging');
    return this.withBoth(run, async ({ policies, recipe, trained }) => {
      const heldOut = await this.heldOut(recipe, prompts, JUDGING_SEED);
      const rewards: Record<string, Reward> = {};
      if (hasRewards(recipe)) rewards['reward'] = await this.judges.rewards(recipe);
      for (const { path, kind } of models) rewards[path] = await this.judges.open(path, kind);
      const instruct = Object.values(rewards).find((judge) => judge instanceof PromptedJudge);
      const gold = await this.judges.gold({ gold: recipe.gold ?? recipe.world }, heldOut);
      if (Object.keys(rewards).length === 0 && !gold) {
        throw new RecipeError('This run has neither a reward nor a gold judge: choose a judge.');
      }
      const writing = rolloutOptions(recipe, 1, JUDGING_SEED);
      const judges = { rewards, gold, instruct };
      const progress = (done: PairProgress): void => {
        throwIfStopped();
        onProgress(done);
      };
      const judged = await judgePair(policies, heldOut, writing, judges, lengthMargin, progress);
      return { trained, judged };
    });
  }

  write(
    run: string | null,
    prompts: readonly string[],
    samples: number,
    seed: number,
  ): Promise<Written[][]> {
    return this.inTurn(run, ({ policies, recipe }) =>
      writtenBy(policies.base, recipe, prompts, samples, seed),
    );
  }

  writeBoth(run: string | null, prompts: readonly string[], seed: number): Promise<WrittenByBoth> {
    return this.withBoth(run, async ({ policies, recipe, trained }) => {
      const first = async (policy: Policy): Promise<Written[]> =>
        (await writtenBy(policy, recipe, prompts, 1, seed)).map(([one]) => one!);
      const before = await first(policies.base);
      return { trained, before, after: await first(policies.trained) };
    });
  }

  async score(judge: string, texts: readonly JudgedText[]): Promise<number[]> {
    return (await this.judges.open(judge, 'classifier')).score(texts);
  }

  /** In its own turn: another caller may be using the judge. */
  forget(judge: string): Promise<void> {
    return this.next(() => this.judges.forget(judge));
  }

  blindRound(
    run: string | null,
    { prompts: count, batch, seed }: RoundSize,
    onWritten: (written: number) => void,
  ): Promise<BlindRound> {
    return this.withBoth(run, async ({ policies, recipe, trained }) => {
      const asked = await this.heldOut(recipe, count, seed);
      let written = 0;
      const answers = async (policy: Policy, ownSeed: number): Promise<Judged[]> => {
        const judged: Judged[] = [];
        for (let at = 0; at < asked.length; at += batch) {
          const part = asked.slice(at, at + batch);
          const prompts = part.map(({ prompt }) => prompt);
          // Every batch has its own random numbers.
          const batchSeed = ownSeed * count + at / batch;
          const groups = await writtenBy(policy, recipe, prompts, 1, batchSeed);
          const completions = groups.map(([one]) => one!);
          // A rule may read the other columns of the rows.
          const texts = completions.map(({ response }, i) => ({ ...part[i]!, response }));
          const judgements = await this.judges.judge(recipe, texts);
          judged.push(...completions.map((text, i) => ({ ...text, ...judgements[i]! })));
          onWritten((written += part.length));
        }
        return judged;
      };
      const first = await answers(policies.trained, 2 * seed);
      const second = await answers(policies.base, 2 * seed + 1);
      const rows = asked.map(({ prompt }, i) => ({
        prompt,
        first: first[i]!,
        second: second[i]!,
      }));
      return { trained, rows };
    });
  }

  /** The run's recipe and last checkpoint, if there are any. */
  private async find(run: string | null): Promise<{
    key: string;
    recipe: Recipe;
    trained: Trained;
    folder?: CheckpointFolder;
  }> {
    const around = await this.around();
    const stored = run === null ? nowhere : await around.run(run);
    const yaml = await readText(stored, 'recipe.yaml');
    const keyOf = (step: number | undefined): string => `${run} ${yaml}${step}`;
    let step = await lastCheckpoint(stored);
    // What is loaded was read whole before.
    if (keyOf(step) !== this.loaded?.key)
      step = (await findCheckpoint(stored, 'contents')).found?.step;
    if (yaml !== undefined && step !== undefined) {
      const { recipe } = parseRecipe(yaml, 'recipe.yaml');
      return { key: keyOf(step), recipe, trained: { step }, folder: runCheckpoint(stored, step) };
    }
    const recipe = makeRecipe(this.defaults);
    const shipped = await around.folder(SHIPPED);
    return (await shipped.open('config.json'))
      ? { key: SHIPPED, recipe, trained: 'shipped', folder: shipped }
      : { key: '', recipe, trained: null };
  }

  /**
   * Lets one caller after the other use the policies: a caller that finds a newer checkpoint frees the
   * models of the older one, which no other caller may be using then.
   */
  private inTurn<T>(run: string | null, use: (loaded: Loaded) => Promise<T>): Promise<T> {
    return this.next(async () => use(await this.load(run)));
  }

  /** The same for callers that need both. */
  private withBoth<T>(run: string | null, use: (both: Both) => Promise<T>): Promise<T> {
    return this.inTurn(run, ({ policies: { base, trained }, ...loaded }) => {
      if (!trained) throw new Error('There is no trained policy yet: train one first.');
      return use({ ...loaded, policies: { base, trained } });
    });
  }

  private next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  /** Loads the policies that `find` returns, unless they are loaded already. */
  private async load(run: string | null): Promise<Loaded> {
    const { key, recipe, trained, folder } = await this.find(run);
    if (this.loaded?.key === key) return this.loaded;
    if (this.loaded) freePolicies(this.loaded.policies);
    this.loaded = undefined;
    const policies = await loadPolicies(await this.around(), recipe, folder);
    return (this.loaded = { key, recipe, trained, policies });
  }

  private async heldOut(recipe: Recipe, count: number, seed: number): Promise<readonly Prompt[]> {
    return heldOutPrompts(recipe, count, seed, (await this.around()).readFile);
  }

  private around(): Promise<PolicyPairSurroundings> {
    this.opened ??= this.surroundings().then(
      (around) => {
        void around.gpu.lost.then(() => this.forgetDevice());
        return around;
      },
      (error: unknown) => {
        this.opened = undefined;
        throw error;
      },
    );
    return this.opened;
  }

  /** What was on it is gone; the next question opens another. */
  private forgetDevice(): void {
    this.opened = undefined;
    this.loaded = undefined;
    this.judges.forgetAll();
  }
}

/** The completions of each prompt. */
async function writtenBy(
  policy: Policy,
  recipe: Recipe,
  prompts: readonly string[],
  samples: number,
  seed: number,
): Promise<Written[][]> {
  const groups = await sampleCompletions(policy.model, policy.tokenizer, prompts, {
    samplesPerPrompt: samples,
    thinking: recipe.thinking,
    systemPrompt: recipe.system_prompt,
    malformed: recipe.malformed,
    maxThoughtLength: recipe.max_thought_length,
    sampling: samplingOf(recipe, { temperature: recipe.temperature, seed }),
  });
  return groups.map(({ samples: written }) =>
    written.map(({ thought, response }) => ({ thought, response })),
  );
}
