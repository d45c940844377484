/** The questions of a benchmark, checked before a model is asked any of them: an answer takes long. */
import {
  BenchmarkDataError,
  type Benchmark,
  type DataLines,
  type DataTexts,
  type Item,
} from './benchmark.ts';

/**
 * @throws BenchmarkDataError if there is no question, two have the same id, one has nothing to ask, or what the
 *   judge is asked has no place for the answer
 */
export function checkedItems(benchmark: Benchmark, files: DataTexts, large?: DataLines): Item[] {
  const items = benchmark.items(files, large);
  const refuse = (problem: string): never => {
    throw new BenchmarkDataError(`The files of ${benchmark.title} have ${problem}.`);
  };
  if (items.length === 0) refuse('no question; download them again');
  const ids = new Set<string>();
  for (const item of items) {
    if (ids.has(item.id)) refuse(`two questions with the id ${item.id}; remove one of them`);
    ids.add(item.id);
    if (item.turns.length === 0) {
      refuse(`no text in the question ${item.id}; download them again`);
    }
    if (benchmark.by === 'rule') continue;
    const answers = item.turns.map((_, turn) => `answer ${turn + 1} to ${item.id}`);
    for (const { messages } of benchmark.requests(item, answers)) {
      const asked = messages.map(({ content }) => content).join('\n');
      if (!answers.some((answer) => asked.includes(answer))) {
        refuse("a judge's prompt without a place for the answer; download the prompt's file again");
      }
    }
  }
  return items;
}
