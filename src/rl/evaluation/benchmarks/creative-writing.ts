/**
 * Creative Writing v3's rubric score, as in EQ-bench's creative-writing-bench at commit e7ab009
 * (core/conversation.py, core/scoring.py): 32 prompts, three seeds each, 22 criteria from 0 to 20. The
 * public leaderboard is an Elo over pairs; this score is the first half of it. RLMT's variant
 * (eval/reason_benchmarks/creativewritingv3.py at commit 2cde311) judges short responses too, and cuts one
 * after 3,200 words; its judge also gets a system message, which is not sent here.
 */
import { BenchmarkDataError, type JudgedBenchmark } from './benchmark.ts';
import { parseBounded } from '../../../model/json.ts';
import { mean } from '../../statistics.ts';
import { asRow, meanRow, textField, type JsonRow } from './rows.ts';
import { pythonFormat } from './templates.ts';

const PROMPTS = 'creative_writing_prompts_v3.json';
const JUDGE = 'creative_writing_judging_prompt.txt';
const CRITERIA = 'creative_writing_criteria.txt';
const NEGATIVE = 'negative_criteria.txt';
const FROM = 'https://github.com/EQ-bench/creative-writing-bench (data)';
const ITERATIONS = 3;
const HIGHEST = 20;
/** The original asks again, up to three times, for a response that is shorter; then it drops the piece. */
const SHORTEST = 500;
/** In words, in RLMT's variant. */
const RLMT_LONGEST = 3200;

interface CreativeData {
  /** With `<SEED>` as it stands: the judge does not see the seed. */
  prompt: string;
  template: string;
  criteria: readonly string[];
  negative: readonly string[];
}

/** The scores by criterion of the text that the makers judge, and of the text that RLMT judges. */
interface CreativeVerdict {
  makers: Readonly<Record<string, number>> | null;
  rlmt: Readonly<Record<string, number>>;
}

export const creativeWriting: JudgedBenchmark<CreativeData, CreativeVerdict> = {
  name: 'creative-writing',
  title: 'Creative Writing v3',
  by: 'judge',
  sampling: { top_p: 1, min_p: 0.1 },
  remark:
    'the makers sample with min_p 0.1, and so does this; the paper samples with --top_p 0.95 --min_p 0. The ' +
    'public leaderboard shows an Elo rating, which is another number.',
  files: [
    { name: PROMPTS, holds: 'the 32 prompts with their seeds', from: FROM },
    { name: JUDGE, holds: "the judge's prompt", from: FROM },
    { name: CRITERIA, holds: 'the 22 criteria', from: FROM },
    { name: NEGATIVE, holds: 'the nine of them where less is better', from: FROM },
  ],
  items(files) {
    const prompts = parseBounded(files[PROMPTS]!);
    if (typeof prompts !== 'object' || prompts === null || Array.isArray(prompts)) {
      throw new BenchmarkDataError(`${PROMPTS} is not one JSON object; download it again.`);
    }
    const shared = {
      template: files[JUDGE]!,
      criteria: lines(files[CRITERIA]!),
      negative: lines(files[NEGATIVE]!),
    };
    return Object.entries(prompts as JsonRow).flatMap(([id, entry]) => {
      const place = `${PROMPTS}, prompt ${id}`;
      const row = asRow(entry, place);
      const prompt = textField(row, 'writing_prompt', place);
      const seeds = row['seed_modifiers'];
      if (!Array.isArray(seeds) || seeds.length === 0) return [];
      return Array.from({ length: ITERATIONS }, (_, i) => ({
        id: `${id}/${i + 1}`,
        question: id,
        turns: [prompt.replaceAll('<SEED>', () => String(seeds[i % seeds.length]))],
        data: { prompt, ...shared },
      }));
    });
  },
  requests({ data }, [response = '']) {
    return judgedTexts(response).map((text) => {
      const content = pythonFormat(data.template, {
        writing_prompt: data.prompt,
        test_model_response: text,
        creative_writing_criteria: data.criteria.map((one) => `- ${one}`).join('\n'),
        lower_is_better_criteria: data.negative.join(', '),
      });
      return { messages: [{ role: 'user', content }], temperature: 0, maxTokens: 1000 };
    });
  },
  verdict(_, [response = ''], judgments) {
    const scores = judgments.map(({ text }) => criteriaScores(text));
    return { makers: tooShort(response) ? null : scores[0]!, rlmt: scores.at(-1)! };
  },
  score(rows) {
    const pieces = (of: (verdict: CreativeVerdict) => CreativeVerdict['makers']) => {
      const found = rows.flatMap(({ item, verdict }) => {
        const scores = of(verdict);
        const value = scores && pieceScore(scores, item.data.negative);
        return value === null ? [] : [{ question: item.question!, value }];
      });
      // A run in which no piece has a score has 0, as in the original.
      return found.length > 0 ? found : [{ question: '', value: 0 }];
    };
    const scale = 100 / HIGHEST;
    return [
      {
        ...meanRow(
          'rubric_score',
          pieces(({ makers }) => makers),
          scale,
        ),
        main: true,
      },
      meanRow(
        'rlmt_rubric_score',
        pieces(({ rlmt }) => rlmt),
        scale,
      ),
    ];
  },
};

/** The makers' text, unless it is too short; then RLMT's, unless it is the same. */
function judgedTexts(response: string): string[] {
  const whole = response.trim();
  const words = Array.from(whole.matchAll(/\S+/g));
  const last = words[RLMT_LONGEST - 1];
  const cut = last ? whole.slice(0, last.index + last[0].length) : whole;
  return tooShort(response) || cut === whole ? [cut] : [whole, cut];
}

const tooShort = (response: string): boolean => response.trim().length < SHORTEST;

/**
 * Every "name: number" and "name: [number]" up to 20; a later one of the same name counts. Any line counts,
 * whether or not it is one of the criteria.
 */
export function criteriaScores(judgment: string): Record<string, number> {
  const scores: Record<string, number> = {};
  for (const pattern of [
    /([^\n]*?):\s*(?:Score\s+)?(-?\d+(?:\.\d+)?)/g,
    /([^\n]*?):\s*\[(-?\d+(?:\.\d+)?)\]/g,
  ]) {
    for (const [, name, digits] of judgment.matchAll(pattern)) {
      if (Number(digits) <= HIGHEST) scores[name!.trim()] = Number(digits);
    }
  }
  return scores;
}

/** The mean over criteria, 0 to 20; a negative one counts as 20 minus its score. */
function pieceScore(
  scores: Readonly<Record<string, number>>,
  negative: readonly string[],
): number | null {
  const values = Object.entries(scores)
    .map(([name, value]) => (negative.includes(name) ? HIGHEST - value : value))
    .filter((value) => value <= HIGHEST);
  return values.length > 0 ? mean(values) : null;
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}
