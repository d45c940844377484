/**
 * A reward without training: any instruct model is asked whether a response is good, and the reward
 * is log p(Yes) - log p(No) of its next word, in nats.
 */
import { packBatch, splitGroups, type TokenGroup } from '../model/batch.ts';
import { BatchRunner, type BatchLimits } from '../model/batch-runner.ts';
import { CheckpointError } from '../model/errors.ts';
import type { LanguageModel } from '../model/language-model.ts';
import type { Tokenizer } from '../model/tokenizer.ts';
import type { JudgedText, Reward } from './reward.ts';

const question = ({ prompt, response }: JudgedText): string =>
  `Request:\n${prompt}\n\nResponse:\n${response}\n\n` +
  'Is this a helpful, correct and complete response to the request? Answer Yes or No.';

export class PromptedJudge implements Reward {
  readonly name = 'judge';

  private constructor(
    private readonly tokenizer: Tokenizer,
    private readonly runner: BatchRunner,
    /** The first tokens of "Yes" and "No". */
    private readonly answers: readonly [yes: number, no: number],
  ) {}

  /** @throws CheckpointError when the judge's tokenizer cannot tell Yes from No by one token */
  static async create(
    model: LanguageModel,
    tokenizer: Tokenizer,
    limits: BatchLimits,
  ): Promise<PromptedJudge> {
    const [yes, no] = ['Yes', 'No'].map((word) => tokenizer.encode(word)[0]);
    if (yes === no) {
      throw new CheckpointError(
        'this model cannot judge: Yes and No begin with the same token; choose another',
      );
    }
    return new PromptedJudge(tokenizer, await BatchRunner.create(model, limits), [yes!, no!]);
  }

  async score(texts: readonly JudgedText[]): Promise<number[]> {
    return this.ask(texts.map(question));
  }

  /** log p(Yes) - log p(No) of the answer to each question, in nats. */
  async ask(questions: readonly string[]): Promise<number[]> {
    const groups = questions.map((content): TokenGroup => {
      const asked = this.tokenizer.applyChatTemplate([{ role: 'user', content }], {
        addGenerationPrompt: true,
        enableThinking: false,
      });
      return {
        prompt: this.tokenizer.encode(asked),
        completions: this.answers.map((id) => [id]),
      };
    });
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
