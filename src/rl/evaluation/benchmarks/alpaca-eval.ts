/**
 * AlpacaEval 2 (Dubois et al. 2024, arXiv 2404.04475), as in tatsu-lab/alpaca_eval at commit cd543a1 with
 * the annotator weighted_alpaca_eval_gpt4_turbo: a judge names the better of two outputs, m or M, and the
 * verdict is the share of the policy's letter in the two probabilities. Which output comes first is drawn
 * by the instruction, with Ponder's own generator instead of Python's. A judge without log-probabilities
 * gives 0 or 1, by the letter.
 *
 * RLMT's variant: a verdict is won or not, and one that cannot be read is lost; lengths are in words, and
 * the regression has no difficulty and an l2 penalty. RLMT asks its judge with another prompt.
 */
import type { ChatMessage } from '../../../model/tokenizer.ts';
import { Random } from '../../random.ts';
import { bootstrap } from '../intervals.ts';
import { fitLogistic, sigmoid } from '../logistic.ts';
import { strip, words } from '../python-text.ts';
import {
  BenchmarkDataError,
  type Item,
  type Judgment,
  type JudgedBenchmark,
  type Scored,
  type ScoreRow,
} from './benchmark.ts';
import { readCsv } from './csv.ts';
import { lengthControlled, type GamedRow, type LengthRow } from './length-glm.ts';
import { jsonRows, meanRow, textField } from './rows.ts';

const BASELINE = 'alpaca_eval_gpt4_baseline.json';
const PROMPT = 'alpaca_eval_clf.txt';
const GAMED = 'df_gamed.csv';
const DATASET = 'https://huggingface.co/datasets/tatsu-lab/alpaca_eval';

interface AlpacaEvalData {
  template: readonly ChatMessage[];
  /** Whether the policy's output is the first of the two, m. */
  first: boolean;
  difficulty?: number;
  /** Of the two gamed baselines, the same for all items; empty without their file. */
  gamed: readonly GamedRow[];
}

/** The share of the policy, 0 to 1; null if the judgment cannot be read. */
type Share = number | null;

export const alpacaEval: JudgedBenchmark<AlpacaEvalData, Share> = {
  name: 'alpaca-eval',
  title: 'AlpacaEval 2',
  by: 'judge',
  files: [
    {
      name: BASELINE,
      holds: 'the 805 instructions with the outputs of GPT-4 Turbo',
      from: DATASET,
    },
    {
      name: PROMPT,
      holds: "the judge's prompt",
      from: 'https://github.com/tatsu-lab/alpaca_eval (src/alpaca_eval/evaluators_configs/alpaca_eval_clf_gpt4_turbo)',
    },
    {
      name: GAMED,
      holds: 'the difficulty of the instructions, and verdicts on two gamed baselines',
      from: DATASET,
      optional: true,
    },
  ],
  items(files) {
    const template = chatMl(files[PROMPT]!);
    const table = files[GAMED] === undefined ? undefined : gamedTable(files[GAMED]);
    return jsonRows(files[BASELINE]!, BASELINE).map((row, i): Item<AlpacaEvalData> => {
      const place = `${BASELINE}, row ${i + 1}`;
      const instruction = textField(row, 'instruction', place);
      const difficulty = table?.difficulties.get(i);
      if (table && difficulty === undefined) {
        throw new BenchmarkDataError(
          `${GAMED} has no row with index ${i}; use the two files of the same data set.`,
        );
      }
      return {
        id: String(i),
        turns: [instruction],
        reference: textField(row, 'output', place),
        data: {
          template,
          first: new Random(0, instruction).below(2) === 0,
          ...(difficulty !== undefined && { difficulty }),
          gamed: table?.rows ?? [],
        },
      };
    });
  },
  requests({ turns, reference, data }, [response = '']) {
    // Equal outputs need no judge: they are a tie.
    if (response === reference) return [];
    const [one, two] = data.first ? [response, reference!] : [reference!, response];
    const messages = data.template.map(({ role, content }) => ({
      role,
      content: strip(filled(content, { instruction: turns[0]!, output_1: one, output_2: two })),
    }));
    return [{ messages, temperature: 0, maxTokens: 1, choices: ['m', 'M'] }];
  },
  verdict({ data }, _, [judgment]) {
    if (!judgment) return 0.5;
    const share = firstShare(judgment);
    return share === null || data.first ? share : 1 - share;
  },
  score(rows) {
    const { gamed } = rows[0]!.item.data;
    const read = rows.flatMap(({ item, verdict }) =>
      verdict === null ? [] : [{ question: item.id, value: verdict }],
    );
    const controlled = lengthControlled(rows.map(lengthRow), gamed);
    const rule = gamed.length > 0 ? '' : '_minimal';
    const table: ScoreRow[] = [
      ...(controlled
        ? [{ name: `length_controlled${rule}_winrate`, ...controlled, count: read.length }]
        : []),
      ...(read.length > 0 ? [meanRow('win_rate', read, 100)] : []),
      ...rlmtRows(rows),
    ];
    return table.map((row, i) => (i === 0 ? { ...row, main: true } : row));
  },
};

/** The share of m, the first output, in the probabilities of m and M; without them 1 or 0 by the letter. */
export function firstShare({ text, logprobs }: Judgment): Share {
  if (logprobs) {
    const [m = 0, M = 0] = ['m', 'M'].map((letter) => Math.exp(logprobs[letter] ?? -Infinity));
    return m + M > 0 ? m / (m + M) : null;
  }
  const letter = /^[\s"'`*(]*([mM])(?![\p{L}\p{N}'’])/u.exec(text)?.[1];
  return letter === undefined ? null : letter === 'm' ? 1 : 0;
}

/** The messages of a prompt in ChatML. @throws BenchmarkDataError */
function chatMl(text: string): ChatMessage[] {
  const messages = text
    .split('<|im_start|>')
    .slice(1)
    .map((part): ChatMessage => {
      const [, role = '', content = ''] = /^([^\n]*)\n(.*)$/s.exec(part) ?? [];
      return {
        role: role.trim() === 'system' ? 'system' : 'user',
        content: content.split('<|im_end|>')[0]!,
      };
    });
  const all = messages.map(({ content }) => content).join('');
  if (['{instruction}', '{output_1}', '{output_2}'].every((name) => all.includes(name))) {
    return messages;
  }
  throw new BenchmarkDataError(
    `${PROMPT} does not ask in ChatML about {instruction}, {output_1} and {output_2}; download it again.`,
  );
}

/** As the original: the first of each placeholder, in turn, also one that an earlier text brought. */
function filled(template: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values).reduce(
    (text, [name, value]) => text.replace(`{${name}}`, () => value),
    template,
  );
}

function gamedTable(text: string) {
  const difficulties = new Map<number, number>();
  const rows = readCsv(text, GAMED, 'rows').flatMap((row, i): GamedRow[] => {
    const [index, difficulty, gap] = ['index', 'instruction_difficulty', 'std_delta_len'].map(
      (column) => {
        const cell = row[column]?.trim();
        const value = cell ? Number(cell) : NaN;
        if (Number.isFinite(value)) return value;
        throw new BenchmarkDataError(
          `${GAMED}, row ${i + 1} has no number "${column}"; download the file again.`,
        );
      },
    ) as [number, number, number];
    if (!difficulties.has(index)) difficulties.set(index, difficulty);
    // An empty cell is a verdict that could not be read.
    const share = parseFloat(row['preference'] ?? '');
    return Number.isNaN(share) ? [] : [{ share, gap, difficulty }];
  });
  return { rows, difficulties };
}

type Rows = readonly Scored<AlpacaEvalData, Share>[];

function lengthRow({ item, responses, verdict }: Rows[number]): LengthRow {
  const { difficulty } = item.data;
  return {
    share: verdict,
    length: codePoints(responses[0]!),
    baselineLength: codePoints(item.reference!),
    ...(difficulty !== undefined && { difficulty }),
  };
}

/** As Python counts. */
const codePoints = (text: string): number => Array.from(text).length;

function rlmtRows(rows: Rows): ScoreRow[] {
  const won = rows.map(({ verdict }) => (verdict !== null && verdict > 0.5 ? 1 : 0));
  const gaps = rows.map(
    ({ item, responses }) => words(responses[0]!).length - words(item.reference!).length,
  );
  const plain = rows.map(({ item }, i) => ({ question: item.id, value: won[i]! }));
  // Each verdict counts twice in the original, for the policy and turned around for the reference, with a
  // column for each of them and an intercept. By this symmetry the intercept is 0 and the columns have
  // opposite weights, which leaves one weight w and half the penalty, u^2 / 2, on the length's weight.
  const rate = (drawn: readonly number[]): number => {
    const features = drawn.map((i) => [1, Math.SQRT2 * gaps[i]!]);
    const [w] = fitLogistic(
      features,
      drawn.map((i) => won[i]!),
      1,
    );
    return 100 * sigmoid(w!);
  };
  return [
    meanRow('rlmt_win_rate', plain, 100),
    {
      name: 'rlmt_lc_win_rate',
      ...bootstrap(rows.length, rate, { resamples: 200 }),
      count: rows.length,
    },
  ];
}
