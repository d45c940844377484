import { describe, expect, it } from 'vitest';
import { parseMenu, thoughtLines, tidy } from './menu.ts';

describe('parseMenu', () => {
  it('reads dishes, guests and budget', () => {
    expect(parseMenu('menu beans 5 cake 1 for cleo fishfree dan vegan budget 18')).toEqual({
      dishes: [
        { name: 'beans', price: 5 },
        { name: 'cake', price: 1 },
      ],
      guests: [
        { name: 'cleo', diet: 'fishfree' },
        { name: 'dan', diet: 'vegan' },
      ],
      budget: 18,
    });
  });

  it('accepts extra spaces and line breaks', () => {
    expect(parseMenu('  menu beans 5\n for cleo vegan  budget 3 ')?.budget).toBe(3);
  });

  it.each([
    ['another world', 'Write a haiku about soup.'],
    ['a price that is no number', 'menu beans five for cleo vegan budget 18'],
    ['a dish without a price', 'menu beans 5 cake for cleo vegan budget 18'],
    ['no guests', 'menu beans 5 for budget 18'],
    ['a guest without a diet', 'menu beans 5 for cleo budget 18'],
    ['no budget', 'menu beans 5 for cleo vegan'],
    ['more after the budget', 'menu beans 5 for cleo vegan budget 18 and wine'],
    ['nothing', ''],
  ])('leaves %s as plain text', (_, prompt) => {
    expect(parseMenu(prompt)).toBeNull();
  });
});

describe('thoughtLines', () => {
  it('gives each try a line', () => {
    expect(thoughtLines('try ham 3 ok left 6 try bread 5 ok left 0')).toEqual([
      'try ham 3 ok left 6',
      'try bread 5 ok left 0',
    ]);
  });
  it('keeps other text, and words that only begin with “try”', () => {
    expect(thoughtLines(' I will tryst with\nsoup ')).toEqual(['I will tryst with', 'soup']);
    expect(thoughtLines('')).toEqual([]);
  });
});

describe('tidy', () => {
  it('closes the gap before punctuation and touches nothing else', () => {
    expect(tidy('hello ana ! how about rice , tofu and figs ?')).toBe(
      'hello ana! how about rice, tofu and figs?',
    );
    expect(tidy('1.5 , really')).toBe('1.5, really');
  });
});
