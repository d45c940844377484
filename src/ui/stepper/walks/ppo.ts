/** PPO: token rewards, predicted values, GAE, whitening, clip, the value model's loss, the update. */
import { generalizedAdvantages, ppoLoss } from '../../../rl/objectives/ppo.ts';
import type { Group, TokenTrace } from '../../../rl/report.ts';
import { formatNumber } from '../../format.ts';
import { tokenName } from '../../traces/quantities.ts';
import { letter } from '../../group/letters.ts';
import type { PpoOptions, UpdateOptions } from '../update-options.ts';
import { closedThoughts, ratioStep, rewardsStep, updateStep } from './shared.ts';
import { largest, sliderFor, type Choices, type Step } from './step.ts';

/** A trace with all that PPO adds. */
type PpoTrace = TokenTrace & Required<Pick<TokenTrace, 'reward' | 'value' | 'advantage'>>;

export function ppoWalk(
  group: Group,
  { ppo }: UpdateOptions,
  choices: Choices,
  heldOut: boolean,
): Step[] {
  const first = rewardsStep(group);
  const trace = group.samples[choices.sample]?.trace;
  if (!isWhole(trace)) {
    const missing =
      'This step has no numbers for single tokens, and PPO needs them: the walk ends here.';
    return [{ ...first, reveal: `${first.reveal} ${missing}` }];
  }
  const pushes = group.samples.map((sample) =>
    (sample.trace?.advantage ?? []).reduce((sum, advantage) => sum + advantage, 0),
  );
  const { sample, lambda } = choices;
  return [
    first,
    tokenRewardsStep(trace, sample, ppo, closedThoughts(group, [sample])),
    valuesStep(trace, sample),
    gaeStep(trace, sample, ppo, lambda),
    whiteningStep(trace, sample),
    clipStep(trace, sample, ppo),
    valueLossStep(trace, sample, ppo),
    updateStep(group, pushes, heldOut),
  ];
}

function isWhole(trace: TokenTrace | undefined): trace is PpoTrace {
  return !!trace?.reward && !!trace.value && !!trace.advantage && trace.text.length > 0;
}

function tokenRewardsStep(
  { reward }: PpoTrace,
  sample: number,
  { klCoef, klIn }: PpoOptions,
  closed: string,
): Step {
  const name = letter(sample);
  return {
    title: 'A reward for every token',
    question: {
      kind: 'choice',
      text: `PPO needs a reward for each token. Where does the judge’s score of ${name} go?`,
      choices: [
        'In equal parts to all tokens',
        'To the first token of the response',
        'To the last token',
      ],
      answer: 2,
    },
    reveal: `The judge reads the whole response, so the score goes to the last token.${
      klIn === 'reward'
        ? ` Every token also loses ${klCoef} times its KL, the price of moving away from the reference.`
        : ''
    }${closed}`,
    view: { kind: 'tokens', sample, values: reward, caption: `Reward of each token of ${name}` },
    chapter: 'gae',
    control: 'sample',
  };
}

function valuesStep({ reward, value }: PpoTrace, sample: number): Step {
  const name = letter(sample);
  const total = reward.reduce((sum, each) => sum + each, 0);
  const expected = value[0]!;
  return {
    title: 'What was expected',
    question: {
      kind: 'choice',
      text: `A second model, the value model, predicts at every token the sum of the rewards still to come. ${name} got ${formatNumber(total)}. Before its first token, was the prediction higher or lower?`,
      choices: ['Higher', 'Lower'],
      answer: expected > total ? 0 : 1,
    },
    reveal: `It predicted ${formatNumber(expected)}. As the text grows, the prediction should come closer. Where it jumps, a token changed a lot what the value model expects.`,
    view: { kind: 'tokens', sample, values: value, caption: `Value at each token of ${name}` },
    chapter: 'gae',
    control: 'sample',
  };
}

function gaeStep(
  { reward, value }: PpoTrace,
  sample: number,
  { gamma }: PpoOptions,
  lambda: number,
): Step {
  const last = reward.length - 1;
  const answer = reward[last]! - value[last]!;
  const estimate = generalizedAdvantages(reward, value, gamma, lambda);
  return {
    title: 'Surprise, passed back',
    question: {
      kind: 'guess',
      text: `At the last token the value model still expected ${formatNumber(value[last])}. The reward there was ${formatNumber(reward[last])}. How big is the surprise?`,
      ...sliderFor(answer),
      answer,
    },
    reveal: `${formatNumber(answer, 2, true)}. A token’s advantage is its own surprise plus λ times the advantage of the next token. Move λ: at 0 a token gets only its own surprise, at 1 it gets all that follow.`,
    view: {
      kind: 'tokens',
      sample,
      values: [...estimate],
      caption: `Advantage of each token of ${letter(sample)}, λ = ${formatNumber(lambda)}`,
    },
    chapter: 'gae',
    control: 'lambda',
  };
}

function whiteningStep({ advantage }: PpoTrace, sample: number): Step {
  return {
    title: 'Whitening',
    question: {
      kind: 'choice',
      text: 'The advantages of all tokens of the batch are now whitened. What does that do?',
      choices: [
        'Their mean becomes 0 and their spread 1',
        'They all become positive',
        'The largest are thrown away',
      ],
      answer: 0,
    },
    reveal:
      'So the size of the steps stays about the same during training. A good token that is less good than the others in the batch is now pushed down.',
    view: {
      kind: 'tokens',
      sample,
      values: advantage,
      caption: `Whitened advantage of each token of ${letter(sample)}`,
    },
    chapter: 'gae',
    control: 'sample',
  };
}

function clipStep(trace: PpoTrace, sample: number, options: PpoOptions): Step {
  const sizes = trace.advantage.map(Math.abs);
  const token = sizes.indexOf(Math.max(...sizes));
  const advantage = trace.advantage[token]!;
  return ratioStep({
    advantage,
    iterations: options.epochs,
    trace,
    band: [1 - options.cliprange, 1 + options.cliprange],
    f: (ratio) => gain(ratio, advantage, options.cliprange),
    subject: `the token “${tokenName(trace.text, token)}” of ${letter(sample)}`,
  });
}

/** At the token where the value model was furthest off. */
function valueLossStep(
  { text, reward, value }: PpoTrace,
  sample: number,
  options: PpoOptions,
): Step {
  const gaps = generalizedAdvantages(reward, value, options.gamma, options.lambda);
  const token = largest([...gaps].map(Math.abs))[0]!;
  const said = value[token]!;
  const came = said + gaps[token]!;
  const range = options.cliprangeValue;
  const reach = 1.5 * Math.max(range, Math.abs(gaps[token]!));
  return {
    title: 'The value model learns too',
    question: {
      kind: 'choice',
      text: `At the token “${tokenName(text, token)}” of ${letter(sample)} the value model predicted ${formatNumber(said)}. Given the rewards that followed, and its own later predictions, ${formatNumber(came)} would have been right. What happens to the prediction?`,
      choices: ['It rises', 'It falls', 'It stays: only the policy is trained'],
      answer: came > said ? 0 : 1,
    },
    reveal: `Its loss is half the squared distance to the right value. Move the slider: more than ${range} from the old prediction there is nothing left to gain, so one batch does not move the value model far.`,
    view: {
      kind: 'curve',
      f: (guess) => valueLoss(guess, said, came, range),
      from: said - reach,
      to: said + reach,
      start: said,
      points: [],
      band: [said - range, said + range],
      xLabel: 'prediction',
      yLabel: 'loss',
      caption: `Loss of the value model by its prediction at the token “${tokenName(text, token)}” of ${letter(sample)}`,
    },
    chapter: 'gae',
    control: 'sample',
  };
}

function valueLoss(guess: number, old: number, target: number, cliprangeValue: number): number {
  const policy = { logp: [0], oldLogp: [0], advantages: [0] };
  const terms = { ...policy, values: [guess], oldValues: [old], returns: [target] };
  return ppoLoss([terms], { cliprange: 1, cliprangeValue, klCoef: 0 }, 1).valueLoss;
}

/** -(policy loss) of one token without its KL. */
function gain(ratio: number, advantage: number, cliprange: number): number {
  const zero = { values: [0], oldValues: [0], returns: [0] };
  const terms = { logp: [Math.log(ratio)], oldLogp: [0], advantages: [advantage], ...zero };
  return -ppoLoss([terms], { cliprange, cliprangeValue: 1, klCoef: 0 }, 1).policyLoss;
}
