/** Every metric of a run, by the prefix of its name. */
import { formatCompact } from '../format.ts';
import { meaningOf } from './glossary.ts';
import type { ChartSpec } from './specs.ts';

interface MetricGroup {
  /** The text before the "/" in the names of its metrics. */
  prefix: string;
  label: string;
  keys: string[];
}

/** Metrics without a prefix. */
const GENERAL = '';

/** TRL's prefixes in plain words. */
const LABELS: Readonly<Record<string, string>> = {
  [GENERAL]: 'The run as a whole',
  rewards: 'Each reward',
  completions: 'Completions',
  eval: 'On held-out prompts',
  clip_ratio: 'Clipped tokens',
  sampling: 'Sampling compared with training',
  objective: 'Score and KL penalty',
  policy: 'The policy’s update',
  val: 'The value model’s update',
  loss: 'Losses',
  logps: 'Log-probs of pairs',
};

/**
 * Groups metrics by the text before the first "/"; TRL's eval_ is a prefix, too. Metrics without a
 * prefix come first. `search` keeps only metrics whose name or meaning has all of its words.
 */
export function groupMetrics(keys: readonly string[], search = ''): MetricGroup[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, string[]>([[GENERAL, []]]);
  for (const key of keys) {
    const text = `${key} ${meaningOf(key)}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const group = groups.get(prefixOf(key));
    if (group) group.push(key);
    else groups.set(prefixOf(key), [key]);
  }
  return [...groups]
    .filter(([, members]) => members.length > 0)
    .map(([prefix, members]) => ({ prefix, label: labelOf(prefix), keys: members.sort() }));
}

/** A prefix without a label is shown as it is. */
function labelOf(prefix: string): string {
  return Object.hasOwn(LABELS, prefix) ? LABELS[prefix]! : prefix;
}

function prefixOf(key: string): string {
  const slash = key.indexOf('/');
  if (key.startsWith('eval_')) return 'eval';
  return slash > 0 ? key.slice(0, slash) : GENERAL;
}

/** A chart of one metric, under the name that logs and other tools give it. */
export function metricChart(key: string): ChartSpec {
  return {
    title: key,
    note: meaningOf(key),
    lines: [{ key, label: 'Value', colour: 'response', axis: 'left', format: formatCompact }],
  };
}
