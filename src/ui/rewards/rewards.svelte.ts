import { messageOf } from '../../app/message-of.ts';
import { storedName } from '../../app/page-paths.ts';
import type { RecipeValues } from '../../rl/recipe/values.ts';
import { listStoredData, readStoredData } from '../../app/stored-data.ts';
import { readChoice, writeChoice, type KeptChoice } from './kept-choice.ts';
import { longestTexts } from './page-preview.ts';
import { readBroughtPrompts, someOf } from './prompt-file.ts';
import {
  rewardProblem,
  rewardRecipe,
  rewardsInUse,
  withRoom,
  type JudgeReward,
  type ModelReward,
} from './reward-recipe.ts';
import { RuleDraft } from './rule-draft.svelte.ts';
import {
  readStoredPrompts,
  removeStoredPrompts,
  storePrompts,
  type StoredPrompts,
} from './stored-prompts.ts';

/** What a visitor chose to train for: the rewards with their weights, and the prompts. */
export class RewardChoice {
  readonly model = $state<ModelReward>({ name: null, weight: 1 });
  readonly judge = $state<JudgeReward>({ name: null, weight: 1, question: '' });
  rules = $state.raw<readonly RuleDraft[]>([]);
  promptFiles = $state.raw<readonly StoredPrompts[]>([]);
  /** The file whose prompts are used; null is the prompts that come with the page. */
  promptFile = $state<string | null>(null);
  systemPrompt = $state('');
  /** The judge that only watches: see RewardSelection. */
  gold = $state<string | null>();
  /** What was wrong with the last file, in a sentence. */
  error = $state<string | null>(null);
  /** Names that the last visit chose and that are not in this browser any more. */
  gone = $state.raw<readonly string[]>([]);

  readonly prompts = $derived(this.promptFiles.find(({ file }) => file === this.promptFile));
  /** As chosen, unless the model has been removed meanwhile. */
  readonly modelName = $derived.by(() => {
    const { name } = this.model;
    return typeof name === 'string' && !this.isStored(name) ? null : name;
  });
  readonly judgeName = $derived.by(() => {
    const { name } = this.judge;
    return name !== null && this.isStored(name) ? name : null;
  });
  /** Likewise; the reward model of the training is no independent judge. */
  readonly goldPath = $derived.by(() => {
    const name = storedName(this.gold ?? '');
    if (name === undefined) return this.gold;
    return this.isStored(name) && name !== this.modelName ? this.gold : null;
  });
  private readonly models = $derived({
    model: { ...this.model, name: this.modelName },
    judge: { ...this.judge, name: this.judgeName },
  });
  /** Why these rewards cannot be trained for. */
  readonly problem = $derived(
    rewardProblem(rewardsInUse({ ...this.models, rules: this.rulesInUse })),
  );

  constructor(
    /** Whether a model of this name is in the browser. */
    private readonly isStored: (name: string) => boolean,
  ) {}

  private get rulesInUse(): readonly RuleDraft[] {
    return this.rules.filter(({ used, nameProblem }) => used && nameProblem === null);
  }

  /**
   * Reads the files of earlier visits. With `remember` it also restores the choice of the last visit,
   * and stores every later choice. `modelsFound` resolves when `isStored` can be called.
   */
  async open(remember: boolean, modelsFound: Promise<void>): Promise<void> {
    for (const file of await listStoredData().catch(() => [])) {
      const stored = await readStoredPrompts(file);
      if (stored) this.keepPrompts(stored);
      if (!file.endsWith('.js')) continue;
      const text = await readStoredData(file).catch(() => undefined);
      if (text !== undefined) this.addRule(file.slice(0, -'.js'.length), text, true);
    }
    if (!remember) return;
    const kept = await readChoice();
    if (kept) this.restore(kept);
    $effect.root(() => {
      $effect(() => void writeChoice(this.toKeep));
    });
    await modelsFound;
    this.leaveOutGoneModels();
  }

  private get toKeep(): KeptChoice {
    return {
      model: { ...this.model },
      judge: { ...this.judge },
      rules: this.rules.flatMap(({ used, storedFile: file, weight }) =>
        used && file !== null ? [{ file, weight }] : [],
      ),
      promptFile: this.promptFile,
      systemPrompt: this.systemPrompt,
      gold: this.gold,
    };
  }

  private restore({ model, judge, rules, promptFile, systemPrompt, gold }: KeptChoice): void {
    Object.assign(this.model, model);
    Object.assign(this.judge, judge);
    this.systemPrompt = systemPrompt;
    this.gold = gold;
    for (const { file, weight } of rules) {
      const rule = this.rules.find(({ storedFile }) => storedFile === file);
      if (rule) Object.assign(rule, { used: true, weight });
      else this.gone = [...this.gone, file];
    }
    if (this.promptFiles.some(({ file }) => file === promptFile)) this.promptFile = promptFile;
    else if (promptFile !== null) this.gone = [...this.gone, promptFile];
  }

  /** Leaves everything to the recipe again. What was stored stays. */
  clear(): void {
    this.restore({
      model: { name: null, weight: 1 },
      judge: { name: null, weight: 1, question: '' },
      rules: [],
      promptFile: null,
      systemPrompt: '',
      gold: undefined,
    });
    for (const rule of this.rules) rule.used = false;
    this.promptFile = null;
  }

  private leaveOutGoneModels(): void {
    for (const choice of [this.model, this.judge]) {
      if (typeof choice.name !== 'string' || this.isStored(choice.name)) continue;
      this.gone = [...this.gone, choice.name];
      choice.name = null;
    }
    const gold = storedName(this.gold ?? '');
    if (gold === undefined || this.isStored(gold)) return;
    this.gone = [...this.gone, gold];
    this.gold = undefined;
  }

  /** Recipe keys for what was chosen; what was not is left to `set`, the recipe so far. */
  recipeOver(set: RecipeValues): RecipeValues {
    const { models, rulesInUse: rules, prompts, systemPrompt, goldPath: gold } = this;
    const own = prompts && {
      ...{ file: prompts.file, kind: prompts.kind },
      heldOut: prompts.heldOut.length > 0,
    };
    return rewardRecipe({ ...models, rules, prompts: own, systemPrompt, gold }, set);
  }

  /**
   * Before training: stores what is not stored yet, so that workers find it.
   * @param values the recipe of the run, with what is chosen now
   * @returns the same with room for the longest of the visitor's prompts
   */
  async prepare(values: RecipeValues): Promise<RecipeValues> {
    const { rules, prompts } = this;
    for (const rule of rules) await rule.save();
    // If measuring fails, training fails too, and says why.
    const longest = prompts && (await longestTexts(values, prompts).catch(() => undefined));
    return longest ? withRoom(values, prompts.kind, longest) : values;
  }

  addRule(name: string, source: string, stored = false): void {
    let free = name;
    for (let i = 2; this.rules.some((rule) => rule.name === free); i++) free = `${name}-${i}`;
    this.rules = [...this.rules, new RuleDraft(free, source, stored)];
  }

  async removeRule(rule: RuleDraft): Promise<void> {
    this.rules = this.rules.filter((other) => other !== rule);
    await rule.remove();
  }

  async removePrompts(file: string): Promise<void> {
    if (this.promptFile === file) this.promptFile = null;
    this.promptFiles = this.promptFiles.filter((other) => other.file !== file);
    await removeStoredPrompts(file);
  }

  /** Takes files that were dropped or chosen: rules (.js), and prompts (.jsonl, .json or .txt). */
  async onData(files: readonly File[]): Promise<void> {
    this.error = null;
    for (const file of files) {
      try {
        await this.take(file);
      } catch (error) {
        this.error = messageOf(error);
      }
    }
  }

  private async take(file: File): Promise<void> {
    const [, base = '', kind] = /^(.*)\.(js|jsonl|json|txt)$/.exec(file.name) ?? [];
    const name = base.replace(/[^\w-]+/g, '-').slice(0, 40) || 'mine';
    const text = await file.text();
    if (kind === 'js') {
      this.addRule(name, text);
    } else if (kind !== undefined) {
      const read = readBroughtPrompts(file.name, text);
      const left = [
        ...read.bad,
        ...(read.followUps > 0 ? [`${read.followUps} questions with follow-ups`] : []),
      ];
      if (read.rows.length === 0) {
        const reason = left.length > 0 ? someOf(left) : 'it is empty';
        throw new Error(`${file.name} has no prompts (${reason}).`);
      }
      if (left.length > 0) this.error = `Left out of ${file.name}: ${someOf(left)}.`;
      const stored = await storePrompts(name, read);
      this.keepPrompts(stored);
      this.promptFile = stored.file;
    } else {
      throw new Error(
        `${file.name} is neither prompts (.jsonl, .json, or .txt with one a line) nor a rule (.js).`,
      );
    }
  }

  private keepPrompts(stored: StoredPrompts): void {
    const others = this.promptFiles.filter(({ file }) => file !== stored.file);
    this.promptFiles = [...others, stored];
  }
}
