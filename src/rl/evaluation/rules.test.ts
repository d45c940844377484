import { describe, expect, it } from 'vitest';
import { blindResult, choose, currentPair, startBlind, undo } from './blind.ts';
import { exactMatch } from './exact-match.ts';
import { follows, instructionAccuracy } from './instructions.ts';
import { mealInstructions } from './meal-checks.ts';
import { readPromptFile } from './prompt-files.ts';
import type { TextModels } from './text-models/text-models.ts';

/** Texts here are English unless they greet in French; a sentence ends at a full stop and a space. */
const models: TextModels = {
  languageOf: (text) => (text.includes('bonjour') ? 'fr' : 'en'),
  sentencesIn: (text) => text.split('. ').length,
};

describe('instructions', () => {
  const cases: [id: string, kwargs: Record<string, unknown>, yes: string, no: string][] = [
    ['keywords:existence', { keywords: ['tea', 'C++'] }, 'Tea in c++', 'tea alone'],
    ['keywords:frequency', { keyword: 'ha', frequency: 2, relation: 'at least' }, 'HaHa', 'ha'],
    ['keywords:forbidden_words', { forbidden_words: ['cat'] }, 'a category', 'a Cat.'],
    [
      'keywords:letter_frequency',
      { letter: 'A', let_frequency: 2, let_relation: 'less than' },
      'a b',
      'aA',
    ],
    ['length_constraints:number_words', { num_words: 3, relation: 'at least' }, 'a b-c', 'a b'],
    [
      'length_constraints:number_sentences',
      { num_sentences: 2, relation: 'less than' },
      'One of them costs 1.50 today.',
      'One. Two.',
    ],
    ['length_constraints:number_paragraphs', { num_paragraphs: 2 }, 'a\n***\nb', 'a\n\nb'],
    [
      'length_constraints:nth_paragraph_first_word',
      { num_paragraphs: 2, nth_paragraph: 2, first_word: 'Then' },
      'First\n\n"then, more',
      'First\n\nand then',
    ],
    ['detectable_content:number_placeholders', { num_placeholders: 2 }, '[a] [b]', '[a]'],
    ['detectable_content:postscript', { postscript_marker: 'P.S.' }, 'x\nP. S. y', 'x'],
    ['detectable_format:number_bullet_lists', { num_bullets: 2 }, '* a\n- b', '* a\n- b\n* c'],
    ['detectable_format:constrained_response', {}, 'My answer is no.', 'no'],
    ['detectable_format:number_highlighted_sections', { num_highlights: 1 }, 'a *b* c', 'a ** c'],
    [
      'detectable_format:multiple_sections',
      { section_spliter: 'Section', num_sections: 2 },
      'Section 1\na\nSection 2\nb',
      'Section 1\na',
    ],
    ['detectable_format:json_format', {}, '```json\n{"a": 1}\n```', '{a: 1}'],
    ['detectable_format:title', {}, '<<joy>> and so on', '<< >>'],
    ['combination:two_responses', {}, 'a\n******\nb', 'a\n******\na'],
    ['combination:repeat_prompt', { prompt_to_repeat: 'Say it' }, 'say it: yes', 'yes'],
    ['startend:end_checker', { end_phrase: 'Any other questions?' }, 'a any OTHER questions?', 'a'],
    ['startend:quotation', {}, '"a\nb"', '"a'],
    [
      'change_case:capital_word_frequency',
      { capital_frequency: 1, capital_relation: 'less than' },
      'Hello there',
      'HELLO there',
    ],
    ['change_case:english_capital', {}, 'ALL 3 CAPS!', 'ALL 3 Caps'],
    ['change_case:english_lowercase', {}, 'all 3 low', 'All 3 low'],
    ['language:response_language', { language: 'fr' }, 'bonjour', 'good day'],
    ['punctuation:no_comma', {}, 'a b', 'a, b'],
  ];
  it.each(cases)('%s', (id, kwargs, yes, no) => {
    expect(follows({ id, kwargs }, yes, false, models)).toBe(true);
    expect(follows({ id, kwargs }, no, false, models)).toBe(false);
    expect(follows({ id, kwargs }, ' ', false, models)).toBe(false);
  });

  it('counts strict and loose by prompt and by instruction, and names unknown instructions', () => {
    const lower = { id: 'change_case:english_lowercase', kwargs: {} };
    const noComma = { id: 'punctuation:no_comma', kwargs: {} };
    const language = { id: 'language:response_language', kwargs: {} };
    const report = instructionAccuracy(
      [
        { response: 'all good', instructions: [lower, noComma] },
        // Loose also checks the response without the first line.
        { response: 'Sure, here it is:\nall good', instructions: [lower] },
        { response: 'a, b', instructions: [lower, noComma] },
        { response: 'good day', instructions: [lower, language] },
        { response: 'x', instructions: [{ id: 'keywords:existence', kwargs: {} }] },
      ],
      models,
    );
    expect(report).toMatchObject({
      prompt_strict: 1 / 3,
      prompt_loose: 2 / 3,
      instruction_strict: 4 / 6,
      instruction_loose: 5 / 6,
      prompts: 3,
      instructions: 6,
      unknown: { 'language:response_language': 1, 'keywords:existence': 1 },
      partly_unknown_prompts: 2,
    });
    expect(report.by_id['punctuation:no_comma']).toBe(0.5);
  });

  it('checks the requests of a guest', () => {
    const prompt =
      'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 15';
    const report = (response: string) =>
      instructionAccuracy([{ response, instructions: mealInstructions(prompt) }]).by_id;
    expect(Object.values(report('pizza 7 and sorbet 8 .'))).toEqual([1, 1, 1, 1, 1]);
    expect(report('ham 2 and korma 1 .')).toEqual({
      'meal:menu': 0,
      'meal:diet': 0,
      'meal:budget': 0,
      'meal:courses': 0,
      'meal:prices': 0,
    });
    expect(report('hello !')['meal:budget']).toBe(0);
  });
});

it('exact match ignores case, punctuation and articles', () => {
  expect(exactMatch(' The  Answer!', ['answer'])).toBe(true);
  expect(exactMatch('answers', ['answer', '42'])).toBe(false);
});

describe('readPromptFile', () => {
  it.each([
    ['alpaca_eval', '[{"instruction": "a", "output": "x", "dataset": "d"}]'],
    ['wildbench', '{"conversation_input": [{"role": "user", "content": "a"}], "id": "1"}'],
    ['arena_hard', '{"question_id": "q", "turns": [{"content": "a"}]}'],
    ['arena_hard', '{"uid": "q", "category": "c", "prompt": "a"}'],
    ['prompts', '{"prompt": "a"}\n'],
  ])('recognises %s', (format, text) => {
    expect(readPromptFile(text, 'f')).toEqual({ format, rows: [{ prompt: 'a' }], follow_ups: 0 });
  });

  it('reads instructions, answers and conversations, and counts the follow-ups that it leaves out', () => {
    const ifeval =
      '{"key": 1, "prompt": "a", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}';
    expect(readPromptFile(ifeval, 'f').rows[0]!.instructions).toEqual([
      { id: 'punctuation:no_comma', kwargs: {} },
    ]);
    expect(readPromptFile('{"prompt": "a", "answer": 4}', 'f').rows[0]!.answers).toEqual(['4']);
    const talk = '{"turns": [{"content": "a"}, {"content": "b"}]}\n{"turns": [{"content": "c"}]}';
    expect(readPromptFile(talk, 'f')).toMatchObject({ rows: [{ prompt: 'c' }], follow_ups: 1 });
    const turns = ['user', 'assistant', 'user'].map((role) => ({ role, content: role }));
    const chat = JSON.stringify({ conversation_input: turns });
    expect(readPromptFile(chat, 'f').rows).toEqual([{ prompt: JSON.stringify(turns) }]);
  });

  it.each([
    ['', /is empty/],
    ['{"prompt": "a"}\nnonsense', /f, line 2: not JSON/],
    ['{"text": "a"}', /rename the field/],
    ['{"prompt": "a"}\n{"prompt": 3}', /f, row 2: no text field "prompt"/],
    ['{"prompt": "a", "instruction_id_list": "x"}', /must be a list/],
  ])('refuses %s', (text, message) => {
    expect(() => readPromptFile(text, 'f')).toThrow(message);
  });
});

describe('a blind comparison', () => {
  const rows = Array.from({ length: 40 }, (_, i) => ({
    prompt: `p${i}`,
    first: 'good',
    second: i === 0 ? ' good ' : 'bad',
  }));

  it('hides which policy is which, and counts wins of the first', () => {
    let state = startBlind(rows, 1);
    expect(state.pairs.length).toBe(39);
    expect(blindResult(state)).toEqual({ judged: 0, wins: 0, ties: 0, losses: 0, same: 1 });
    const lefts = state.pairs.filter(({ left }) => left === 'good').length;
    expect(lefts).toBeGreaterThan(8);
    expect(lefts).toBeLessThan(31);
    expect(currentPair(state)).not.toHaveProperty('firstIsLeft');
    for (let pair = currentPair(state); pair; pair = currentPair(state)) {
      state = choose(state, pair.left === 'good' ? 'left' : 'right');
    }
    expect(blindResult(state)).toMatchObject({ judged: 39, wins: 39, losses: 0 });
    expect(() => choose(state, 'tie')).toThrow(RangeError);
    const { winRate, ties } = blindResult(choose(undo(state), 'tie'));
    expect(ties).toBe(1);
    expect(winRate!.mean).toBeCloseTo(39 / 40, 12);
    // The equal pair and the tie count half each.
    expect(winRate!.low).toBeLessThan(winRate!.mean);
  });

  it('is shuffled by its seed', () => {
    expect(startBlind(rows, 1)).toEqual(startBlind(rows, 1));
    expect(startBlind(rows, 1)).not.toEqual(startBlind(rows, 2));
  });
});
