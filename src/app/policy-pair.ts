/**
 * A policy before and after training, with the same questions to both: the model that a run started
 * from, and its last checkpoint (without a run, the policies that ship with the page). It does not
 * depend on workers, so tests can use it directly.
 */
import type { CheckpointFolder } from '../model/files.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import { answer, samplingOf, type Draft, type Judgement, type Question } from './answer.ts';
import { judgePair, type JudgedPair, type PairJudges, type PairProgress } from './judge-pair.ts';
import { freePolicies, loadPolicies, type Policies } from './pair-policies.ts';
import type {
  BlindRound,
  Judged,
  PolicyPairService,
  RoundSize,
  Side,
  Sides,
  Written,
} from './policy-pair-service.ts';
import { Random } from '../rl/random.ts';
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
import { evaluationPrompts } from './opening/data.ts';
import type { Surroundings } from './opening/surroundings.ts';
import { worldEvaluation } from '../rl/world/judging.ts';
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
  trained: Sides['trained'];
  policies: Policies;
}

export class PolicyPair implements PolicyPairService {
  private opened: Promise<PolicyPairSurroundings> | undefined;
  private loaded: Loaded | undefined;
  private chosen: string | null = null;
  /** Settled when no caller uses the policies any more. */
  private turn: Promise<unknown> = Promise.resolve();
  private asked = { stopped: false };
  private readonly judges = new RunJudges(() => this.around());

  constructor(
    private readonly surroundings: () => Promise<PolicyPairSurroundings>,
    /** The recipe of the shipped policies. */
    private readonly defaults: Readonly<Record<string, unknown>>,
  ) {}

  choose(run: string | null): Promise<void> {
    this.chosen = run;
    return Promise.resolve();
  }

  async look(): Promise<Sides> {
    const { recipe, trained } = await this.find();
    const { model_name_or_path: base, thinking, world } = recipe;
    return { base: base ?? '', trained, thinking, dinner: world === 'meal-planner' };
  }

  async ask(question: Question, onDraft: (side: Side, draft: Draft) => void): Promise<void> {
    const asked = { stopped: false };
    this.asked = asked;
    await this.inTurn(({ policies, recipe }) =>
      this.answerBy(policies, recipe, question, (side, draft) => {
        if (asked.stopped) throw new Error('The question was stopped.');
        onDraft(side, draft);
      }),
    );
  }

  private async answerBy(
    policies: Loaded['policies'],
    recipe: Recipe,
    question: Question,
    onDraft: (side: Side, draft: Draft) => void,
  ): Promise<void> {
    const sides = (['base', 'trained'] as const).filter((side) => policies[side]);
    for (const side of sides) checkWords(policies[side]!.tokenizer, question.prompt);
    const answers = await Promise.all(
      sides.map((side) =>
        answer(policies[side]!, recipe, question, (draft) => onDraft(side, draft)),
      ),
    );
    const texts = answers.map(({ response }) => ({
      prompt: question.prompt,
      response: response ?? '',
    }));
    const finish = (judgements: readonly Partial<Judgement>[]): void =>
      answers.forEach((draft, i) => onDraft(sides[i]!, { ...draft, done: true, ...judgements[i] }));
    const judgements = await this.judges.judge(recipe, texts).catch((error: unknown) => {
      // A rule may need columns that only the rows of its data have; the answers are shown anyway.
      finish([]);
      throw error;
    });
    finish(judgements);
  }

  stop(): Promise<void> {
    this.asked.stopped = true;
    return Promise.resolve();
  }

  async heldOutPrompts(count: number, seed: number): Promise<string[]> {
    const { recipe } = await this.find();
    return (await this.heldOut(recipe, count, seed)).map(({ prompt }) => prompt);
  }

  private async heldOut(recipe: Recipe, count: number, seed: number): Promise<readonly Prompt[]> {
    if (recipe.world) {
      return worldEvaluation('held-out', count, seed).prompts.map((prompt) => ({ prompt }));
    }
    if (!recipe.datasets.some(({ split }) => split === 'test')) {
      throw new RecipeError(
        'This run has no held-out prompts: bring ten or more, and one in ten is held out.',
      );
    }
    const { readFile } = await this.around();
    const prompts = await evaluationPrompts(
      { ...recipe, eval_strategy: 'steps', eval_num_prompts: Infinity },
      readFile,
    );
    return new Random(seed, 'held-out prompts').shuffle(prompts ?? []).slice(0, count);
  }

  async judgePair(
    { prompts, models, lengthMargin }: PairJudges,
    onProgress: (progress: PairProgress) => void,
  ): Promise<JudgedPair> {
    const asked = { stopped: false };
    this.asked = asked;
    return this.inTurn(async ({ policies: { base, trained }, recipe }) => {
      if (!base || !trained) throw new Error('There is no trained policy yet: train one first.');
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
      return judgePair({ base, trained }, heldOut, writing, judges, lengthMargin, (progress) => {
        if (asked.stopped) throw new Error('The judging was stopped.');
        onProgress(progress);
      });
    });
  }

  async judge(texts: readonly JudgedText[]): Promise<Judgement[]> {
    const { recipe } = await this.find();
    return this.judges.judge(recipe, texts);
  }

  async write(
    side: Side,
    prompts: readonly string[],
    samples: number,
    seed: number,
  ): Promise<{ prompt: string; samples: Written[] }[]> {
    return this.inTurn(({ policies, recipe }) =>
      writtenBy(policies[side], recipe, prompts, samples, seed),
    );
  }

  async score(judge: string, texts: readonly JudgedText[]): Promise<number[]> {
    return (await this.judges.open(judge, 'classifier')).score(texts);
  }

  async forget(judge: string): Promise<void> {
    await this.judges.forget(judge);
  }

  async blindRound(
    { prompts: count, batch, seed }: RoundSize,
    onWritten: (written: number) => void,
  ): Promise<BlindRound> {
    // In one turn: no other run and no newer checkpoint gets in between.
    return this.inTurn(async ({ policies, recipe, trained }) => {
      if (!policies.trained) throw new Error('There is no trained policy yet: train one first.');
      const prompts = (await this.heldOut(recipe, count, seed)).map(({ prompt }) => prompt);
      let written = 0;
      const answers = async (side: Side, ownSeed: number): Promise<Judged[]> => {
        const judged: Judged[] = [];
        for (let at = 0; at < prompts.length; at += batch) {
          const asked = prompts.slice(at, at + batch);
          // Every batch has its own random numbers.
          const batchSeed = ownSeed * count + at / batch;
          const groups = await writtenBy(policies[side], recipe, asked, 1, batchSeed);
          const completions = groups.map(({ samples }) => samples[0]!);
          const texts = completions.map(({ response }, i) => ({ prompt: asked[i]!, response }));
          const judgements = await this.judges.judge(recipe, texts);
          judged.push(...completions.map((text, i) => ({ ...text, ...judgements[i]! })));
          onWritten((written += asked.length));
        }
        return judged;
      };
      const first = await answers('trained', 2 * seed);
      const second = await answers('base', 2 * seed + 1);
      const rows = prompts.map((prompt, i) => ({ prompt, first: first[i]!, second: second[i]! }));
      return { trained, rows };
    });
  }

  /** The run's recipe and last checkpoint, if there are any. */
  private async find(chosen = this.chosen): Promise<{
    key: string;
    recipe: Recipe;
    trained: Sides['trained'];
    folder?: CheckpointFolder;
  }> {
    const around = await this.around();
    const run = chosen === null ? nowhere : await around.run(chosen);
    const yaml = await readText(run, 'recipe.yaml');
    const keyOf = (step: number | undefined): string => `${chosen} ${yaml}${step}`;
    let step = await lastCheckpoint(run);
    // What is loaded was read whole before.
    if (keyOf(step) !== this.loaded?.key)
      step = (await findCheckpoint(run, 'contents')).found?.step;
    if (yaml !== undefined && step !== undefined) {
      const { recipe } = parseRecipe(yaml, 'recipe.yaml');
      return { key: keyOf(step), recipe, trained: { step }, folder: runCheckpoint(run, step) };
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
  private inTurn<T>(use: (loaded: Loaded) => Promise<T>): Promise<T> {
    // Another run may be chosen before it is this caller's turn.
    const { chosen } = this;
    const used = this.turn.then(async () => use(await this.load(chosen)));
    this.turn = used.catch(() => undefined);
    return used;
  }

  /** Loads the policies that `find` returns, unless they are loaded already. */
  private async load(chosen: string | null): Promise<Loaded> {
    const { key, recipe, trained, folder } = await this.find(chosen);
    if (this.loaded?.key === key) return this.loaded;
    if (this.loaded) freePolicies(this.loaded.policies);
    this.loaded = undefined;
    const policies = await loadPolicies(await this.around(), recipe, folder);
    return (this.loaded = { key, recipe, trained, policies });
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

async function writtenBy(
  policy: Policies[Side],
  recipe: Recipe,
  prompts: readonly string[],
  samples: number,
  seed: number,
): Promise<{ prompt: string; samples: Written[] }[]> {
  if (!policy) return [];
  const groups = await sampleCompletions(policy.model, policy.tokenizer, prompts, {
    samplesPerPrompt: samples,
    thinking: recipe.thinking,
    systemPrompt: recipe.system_prompt,
    malformed: recipe.malformed,
    maxThoughtLength: recipe.max_thought_length,
    sampling: samplingOf(recipe, { temperature: recipe.temperature, seed }),
  });
  return groups.map(({ prompt, samples: written }) => ({
    prompt,
    samples: written.map(({ thought, response }) => ({ thought, response })),
  }));
}

function checkWords(tokenizer: Tokenizer, prompt: string): void {
  if (prompt.trim() === '') throw new RecipeError('The prompt is empty: write one.');
  const unknown = tokenizer.unknownWords(prompt);
  if (unknown.length === 0) return;
  const [word, ...more] = unknown.map((name) => `“${name}”`);
  throw new RecipeError(
    more.length === 0
      ? `This model does not know the word ${word!}; leave it out.`
      : `This model does not know the words ${more.join(', ')} and ${word!}; leave them out.`,
  );
}
