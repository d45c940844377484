/**
 * Instruction following by rules, scored as in IFEval (Zhou et al. 2023, arXiv 2311.07911, sec. 3;
 * evaluation_lib.py): by prompt (all instructions followed) and by instruction. Strict checks the
 * response itself; loose accepts it if any of eight forms follows (with or without the first line, the
 * last line, and asterisks).
 */
import { ifevalChecks, type Check, type Instruction } from './ifeval-checks.ts';
import { mealChecks } from './meal-checks.ts';
import { strip } from './python-text.ts';
import type { TextModels } from './text-models/text-models.ts';

interface InstructionAccuracy {
  /** Shares between 0 and 1; null if nothing could be judged. */
  prompt_strict: number | null;
  prompt_loose: number | null;
  instruction_strict: number | null;
  instruction_loose: number | null;
  /** Number of prompts and instructions that were judged. */
  prompts: number;
  instructions: number;
  /** Strict accuracy by id. */
  by_id: Record<string, number>;
  /** How often an instruction could not be judged, by id: it is unknown, or an argument is missing. */
  unknown: Record<string, number>;
  /** Prompts with such an instruction; only their other instructions count. */
  partly_unknown_prompts: number;
}

const checks: Readonly<Record<string, Check>> = { ...ifevalChecks, ...mealChecks };

/** Whether a response follows the instruction; undefined if that cannot be judged. An empty response never does. */
export function follows(
  { id, kwargs }: Instruction,
  response: string,
  loose = false,
  models?: TextModels,
): boolean | undefined {
  const check = Object.hasOwn(checks, id) ? checks[id]! : undefined;
  if (check?.(response, kwargs, models) === undefined) return undefined;
  const forms = loose ? looseForms(response) : [response];
  return forms.some((form) => strip(form) !== '' && check(form, kwargs, models) === true);
}

export function instructionAccuracy(
  rows: readonly { response: string; instructions: readonly Instruction[] }[],
  models?: TextModels,
): InstructionAccuracy {
  const unknown: Record<string, number> = {};
  const byId: Record<string, { followed: number; total: number }> = {};
  const prompts = { strict: 0, loose: 0, total: 0, partly: 0 };
  const single = { strict: 0, loose: 0, total: 0 };
  for (const { response, instructions } of rows) {
    let [allStrict, allLoose, allKnown] = [true, true, true];
    for (const instruction of instructions) {
      const strict = follows(instruction, response, false, models);
      const loose = follows(instruction, response, true, models);
      if (strict === undefined || loose === undefined) {
        unknown[instruction.id] = (unknown[instruction.id] ?? 0) + 1;
        allKnown = false;
        continue;
      }
      allStrict &&= strict;
      allLoose &&= loose;
      single.total++;
      if (strict) single.strict++;
      if (loose) single.loose++;
      const own = (byId[instruction.id] ??= { followed: 0, total: 0 });
      own.total++;
      if (strict) own.followed++;
    }
    if (!allKnown) prompts.partly++;
    else if (instructions.length > 0) {
      prompts.total++;
      if (allStrict) prompts.strict++;
      if (allLoose) prompts.loose++;
    }
  }
  const share = (part: number, total: number): number | null => (total > 0 ? part / total : null);
  return {
    prompt_strict: share(prompts.strict, prompts.total),
    prompt_loose: share(prompts.loose, prompts.total),
    instruction_strict: share(single.strict, single.total),
    instruction_loose: share(single.loose, single.total),
    prompts: prompts.total,
    instructions: single.total,
    by_id: Object.fromEntries(
      Object.entries(byId).map(([id, { followed, total }]) => [id, followed / total]),
    ),
    unknown,
    partly_unknown_prompts: prompts.partly,
  };
}

function looseForms(response: string): string[] {
  const lines = response.split('\n');
  const cut = [lines.slice(1), lines.slice(0, -1), lines.slice(1, -1)];
  const forms = [response, ...cut.map((rest) => strip(rest.join('\n')))];
  return [...forms, ...forms.map((form) => form.replaceAll('*', ''))];
}
