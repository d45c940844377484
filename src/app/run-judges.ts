/** The judges of runs in the page, each opened once: a run's rewards, its gold judge, and other models. */
import type { Judgement } from './answer.ts';
import { OpenedOnce } from './opened-once.ts';
import { openOwnJudge, openReward } from './opening/rewards.ts';
import type { RewardKind, Surroundings } from './opening/surroundings.ts';
import type { Recipe } from '../rl/recipe/recipe.ts';
import { RewardModel } from '../rl/rewards/reward-model.ts';
import type { GoldJudge, JudgedText, Reward } from '../rl/rewards/reward.ts';
import type { Prompt } from '../rl/data/dataset.ts';
import { worldGold } from '../rl/world/judging.ts';
import { parsePrompt } from '../rl/world/prompts.ts';

type JudgeSurroundings = Pick<Surroundings, 'gpu' | 'folder' | 'baseFolder' | 'readFile'>;

export class RunJudges {
  private opened = new OpenedOnce<Reward>();

  constructor(private readonly around: () => Promise<JudgeSurroundings>) {}

  /** Scores texts by the run's rewards, and by its gold judge if it has one. */
  async judge(recipe: Recipe, texts: readonly JudgedText[]): Promise<Judgement[]> {
    const rewards = await this.rewards(recipe);
    const scores = await rewards.score(texts);
    const gold = await (await this.gold(recipe, texts))?.score(texts);
    return texts.map((_, i) => ({ reward: scores[i]!, ...(gold && { gold: gold[i]! }) }));
  }

  /** The weighted sum of the run's rewards. */
  rewards(recipe: Recipe): Promise<Reward> {
    return openOwnJudge(recipe, {
      openReward: (path, kind, question) => this.open(path, kind, question),
    });
  }

  /** The gold judge, if it can judge these prompts: a world's utility needs prompts of that world. */
  async gold(
    { gold }: Pick<Recipe, 'gold'>,
    asked: readonly Prompt[],
  ): Promise<GoldJudge | undefined> {
    if (gold === undefined) return undefined;
    const hidden = worldGold(gold);
    if (!hidden) return this.open(gold, 'classifier');
    return asked.every(({ prompt }) => parsePrompt(prompt)) ? hidden : undefined;
  }

  open(path: string, kind: RewardKind, question?: string): Promise<Reward> {
    // The same model with another question is another judge.
    const key = question === undefined ? path : `${path}\n${question}`;
    return this.opened.open(key, async () => {
      const around = await this.around();
      return openReward(path, kind, question, () => Promise.resolve(around.gpu), around);
    });
  }

  /** Frees a reward model that was trained again; it is opened again when it is needed. */
  async forget(path: string): Promise<void> {
    const opened = await this.opened.take(path);
    if (opened instanceof RewardModel) opened.destroy();
  }

  /** Call this after the device was lost. */
  forgetAll(): void {
    this.opened = new OpenedOnce<Reward>();
  }
}
