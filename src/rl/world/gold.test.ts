import { describe, expect, it } from 'vitest';
import { goldUtility } from './gold.ts';

// veggie: no ham and no jelly. Budget 10.
const PROMPT =
  'menu ham 1 tart 7 pizza 7 gratin 1 sorbet 8 custard 5 beans 4 for cleo veggie budget 10';

describe('goldUtility', () => {
  it.each([
    // 1 + 8 leaves 1: 3 (1 - 1/3).
    ['gratin 1 and sorbet 8 .', 2],
    ['hello cleo ! gratin 1 and sorbet 8 . enjoy !', 2.6],
    ['hello dan ! gratin 1 and sorbet 8 .', 1.7],
    ['hello gratin 1 and sorbet 8 .', 2 - 1.5 - 0.3],
    // 4 + 5 leaves 1; 4 + 7 is over by 1; 7 + 8 is over by 5; 1 + 5 leaves 4, which gives 0.
    ['how about beans 4 and custard 5 ?', 2],
    ['beans 4 then tart 7 .', -1],
    ['pizza 7 and sorbet 8 .', -3],
    ['gratin 1 and custard 5 .', 0],
    // Ham is meat.
    ['ham 1 and sorbet 8 .', 0.75],
    // A false price does not change the sum.
    ['gratin 2 and sorbet 8 .', 0.5],
    ['gratin 2 and sorbet 7 .', -1],
    // With a dish that is not on the menu there is no sum; noodles are veggie, jelly is not.
    ['noodles 3 and sorbet 8 .', -1.5],
    ['noodles 3 and jelly 8 .', -1.5 - 1.5 - 1.25],
    // Courses in the wrong order, and one dish twice (over by 6, which counts as 5).
    ['sorbet 8 and gratin 1 .', 1.25],
    ['sorbet 8 and sorbet 8 .', -3 - 1],
    // Without prices the response is understood, but not grammatical.
    ['gratin and sorbet .', 0.5],
    ['how about gratin 1 then sorbet 8 ?', 0.5],
    ['gratin 1 .', -3],
    ['gratin 1 and sorbet 8 and beans 4 .', -3],
    ['try gratin 1 ok left 9', -3],
    ['', -3],
  ])('%s', (response, value) => {
    const gold = goldUtility(PROMPT, response);
    expect(gold.value).toBeCloseTo(value, 10);
    expect(gold.parts.reduce((sum, part) => sum + part.value, 0)).toBeCloseTo(value, 10);
  });

  it('gives its reasons', () => {
    expect(goldUtility(PROMPT, 'ham 2 and tart 7 . enjoy !').parts).toEqual([
      { label: '2 left of the budget', value: expect.closeTo(1, 10) as number },
      { label: 'ham costs 1, not 2', value: -1.5 },
      { label: 'ham is not veggie', value: -1.25 },
      { label: 'enjoy !', value: 0.3 },
    ]);
  });

  it('refuses prompts of another world', () => {
    expect(() => goldUtility('tell me a joke', 'ha')).toThrow(/dinner world/);
  });
});
