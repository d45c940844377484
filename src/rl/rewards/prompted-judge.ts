/**
 * A reward that needs no training: an instruct model is asked whether a response is good, and the
 * reward is log p(Yes) - log p(No) of its next word, in nats.
 */
import { packBatch, splitGroups, type TokenGroup } from '../../model/batch.ts';
import { BatchRunner, type BatchLimits } from '../../model/batch-runner.ts';
import { CheckpointError } from '../../model/errors.ts';
import type { LanguageModel } from '../../model/language-model.ts';
import type { Tokenizer } from '../../model/tokenizer.ts';
import { readablePrompt } from '../data/conversation.ts';
import { JUDGE } from '../recipe/reward-names.ts';
import type { JudgedText, Reward } from './reward.ts';

/** The question if the recipe has no judge_prompt. */
export const QUESTION =
  'Request:\n{prompt}\n\nResponse:\n{response}\n\n' +
  'Is this a helpful, correct and complete response to the request? Answer Yes or No.';

/** The judge's chat up to the place of its Yes or No. */
export function judgeText(tokenizer: Tokenizer, text: JudgedText, question?: string): string {
  return questionText(tokenizer, judgeQuestion(text, question));
}

function judgeQuestion({ prompt, response }: JudgedText, question = QUESTION): string {
  const parts: Record<string, string> = { prompt: readablePrompt(prompt), response };
  // Both are replaced in one pass, so that "{response}" inside a prompt is not replaced.
  return question.replace(/\{(prompt|response)\}/g, (_, name: string) => parts[name]!);
}

function questionText(tokenizer: Tokenizer, content: string): string {
  return tokenizer.applyChatTemplate([{ role: 'user', content }], {
    addGenerationPrompt: true,
    enableThinking: false,
  });
}

export class PromptedJudge implements Reward {
  readonly name = JUDGE;

  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly runner: BatchRunner,
    /** The first tokens of "Yes" and "No". */
    private readonly answers: readonly [yes: number, no: number],
    private readonly question: string | undefined,
  ) {}

  /**
   * @param question in which {prompt} and {response} are replaced by the judged texts
   * @throws CheckpointError if Yes and No begin with the same token in the judge's tokenizer
   */
  static async create(
    model: LanguageModel,
    tokenizer: Tokenizer,
    limits: BatchLimits,
    question?: string,
  ): Promise<PromptedJudge> {
    const [yes, no] = ['Yes', 'No'].map((word) => tokenizer.encode(word)[0]);
    if (yes === no) {
      throw new CheckpointError(
        'this model cannot judge: Yes and No begin with the same token; choose another model',
      );
    }
    const runner = await BatchRunner.create(model, limits);
    return new PromptedJudge(tokenizer, runner, [yes!, no!], question);
  }

  async score(texts: readonly JudgedText[]): Promise<number[]> {
    return this.ask(texts.map((text) => judgeQuestion(text, this.question)));
  }

  /** log p(Yes) - log p(No) of the answer to each question, in nats. */
  async ask(questions: readonly string[]): Promise<number[]> {
    const groups = questions.map((question): TokenGroup => ({
      prompt: this.tokenizer.encode(questionText(this.tokenizer, question)),
      completions: this.answers.map((id) => [id]),
    }));
    const scores: number[] = [];
    for (const part of splitGroups(groups, 'completion', this.runner.limits)) {
      const batch = packBatch(part, 'completion');
      const { values } = await this.runner.forward(batch);
      for (const ranges of batch.ranges) {
        const [yes, no] = ranges.map(([start]) => values[start]!);
        scores.push(yes! - no!);
      }
    }
    return scores;
  }
}
