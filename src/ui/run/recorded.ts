import { LAST_SLOT } from '../runs/listings.ts';
import type { RecordedRun } from '../../rl/runs/record.ts';

export interface Recording {
  /** Of its run in the list. */
  id: string;
  file: string;
  /** Its run's name. */
  name: string;
  /** Its letter and colour. */
  slot: number;
  /** The button that shows it. */
  show: string;
  /** What a visitor should know of it. */
  note: string;
}

/** The page opens with the first. */
export const RECORDINGS: readonly [Recording, ...Recording[]] = [
  {
    id: 'recorded',
    file: './recorded-run.json',
    name: 'The recorded run',
    slot: 0,
    show: 'Show the recorded run',
    note: '',
  },
  {
    id: 'recorded-chat-model',
    file: './recorded-chat-model.json',
    name: 'A recorded run of a chat model',
    slot: LAST_SLOT,
    show: 'Show a chat model',
    note: 'SmolLM2-135M-Instruct after a warm start. Its reward model is weak: thoughts change more than the reward.',
  },
];

/** Fetches a run that ships with the page. Errors are sentences for the visitor. */
export async function fetchRecordedRun(url: string): Promise<RecordedRun> {
  const response = await fetch(url).catch(() => null);
  if (!response)
    throw new Error('The recorded run could not be fetched: check the connection and reload.');
  // A server may answer a missing file with its start page, so the content is checked too.
  const body: unknown = response.ok ? await response.json().catch(() => null) : null;
  if (!isRecordedRun(body))
    throw new Error('This copy of the page comes without a recorded run, so there is no replay.');
  return body;
}

function isRecordedRun(body: unknown): body is RecordedRun {
  if (typeof body !== 'object' || body === null) return false;
  const { steps, recipe } = body as Partial<Record<keyof RecordedRun, unknown>>;
  if (!Array.isArray(steps) || typeof recipe !== 'object' || recipe === null) return false;
  return (steps as unknown[]).every(isStepReport);
}

function isStepReport(value: unknown): boolean {
  const report = value as { metrics?: { step?: unknown }; group?: { samples?: unknown } } | null;
  if (typeof report?.metrics?.step !== 'number') return false;
  return report.group === undefined || Array.isArray(report.group.samples);
}
