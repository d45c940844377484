// A verifiable task for the built-in world: true if the response names one main and one sweet of the
// menu with their prices, the guest can eat both, and at most two coins of the budget are left.
const CONTAINS = {
  meat: ['ham', 'burger', 'satay', 'jelly'],
  milk: ['pizza', 'gratin', 'korma', 'cake', 'custard'],
  nuts: ['satay', 'korma', 'tart', 'praline'],
  wheat: ['burger', 'pizza', 'noodles', 'cake', 'tart', 'waffle'],
};
const AVOIDS = { veggie: 'meat', dairyfree: 'milk', nutfree: 'nuts', wheatfree: 'wheat' };
const MAINS = ['ham', 'burger', 'pizza', 'noodles', 'gratin', 'satay', 'korma', 'beans'];
const SWEETS = ['cake', 'tart', 'waffle', 'custard', 'praline', 'jelly', 'sorbet', 'plums'];
const MOST_LEFT = 2;

/** ["ham 1", "pizza 7"] from a text with dishes and prices. */
const priced = (text) =>
  (text.match(/[a-z]+ \d+/g) ?? []).filter((item) =>
    [...MAINS, ...SWEETS].includes(item.split(' ')[0]),
  );

export default function (prompt, response) {
  const [, menu, diet, budget] = /^menu (.*) for \w+ (\w+) budget (\d+)$/.exec(prompt.trim()) ?? [];
  if (menu === undefined || !(diet in AVOIDS)) return false;
  const plan = priced(response);
  const offered = priced(menu);
  if (plan.length !== 2 || !plan.every((item) => offered.includes(item))) return false;
  const dishes = plan.map((item) => item.split(' ')[0]);
  if (!MAINS.some((dish) => dishes.includes(dish))) return false;
  if (!SWEETS.some((dish) => dishes.includes(dish))) return false;
  if (dishes.some((dish) => CONTAINS[AVOIDS[diet]].includes(dish))) return false;
  const left = Number(budget) - plan.reduce((sum, item) => sum + Number(item.split(' ')[1]), 0);
  return left >= 0 && left <= MOST_LEFT;
}
