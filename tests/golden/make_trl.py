"""Golden numbers from TRL's own code, for src/rl/objectives.

  python make_trl.py OUT.json      needs requirements.txt; run once, by hand

The trainers' loss methods run unchanged, in float64 on a CPU, on a stub of the trainer whose model
returns the log-probs below. Code in the middle of a long method (GRPO's advantages, PPO's rewards,
advantages and losses) is cut out of TRL's source by its first and last line, and run. Gradients are
autograd's, with respect to each token's log-prob (or value, or score).

SFT's loss is TRL's default (chunked_nll), with logits as hidden states and the identity as the head.
In the PPO code an episode ends with its stop token: TRL moves `sequence_lengths_p1` and
`padding_mask_p1` one state further if the padding has room, but here they are without that state.
"""
import inspect
import json
import sys
import textwrap
from collections import defaultdict
from types import SimpleNamespace as Stub

import torch
from trl.experimental.ppo import ppo_trainer
from trl.rewards import get_soft_overlong_punishment
from trl.trainer import dpo_trainer, sft_trainer
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.reward_trainer import RewardTrainer

torch.set_default_dtype(torch.float64)
random = torch.Generator().manual_seed(5)

LENGTHS = [5, 3, 1, 4]
WIDTH = max(LENGTHS)
MASK = torch.tensor([[t < n for t in range(WIDTH)] for n in LENGTHS])


def normal(*shape, scale=1.0):
    return scale * torch.randn(*shape, generator=random)


def ragged(matrix):
    return [row[:n].tolist() for row, n in zip(matrix.detach(), LENGTHS)]


def run_lines(function, first, last, names):
    """Runs the lines of `function` from the line that begins with `first` to the next that begins with `last`."""
    lines = inspect.getsource(function).split("\n")
    start = next(i for i, line in enumerate(lines) if line.strip().startswith(first))
    end = next(i for i in range(start, len(lines)) if lines[i].strip().startswith(last))
    indent = len(lines[start]) - len(lines[start].lstrip())
    while end + 1 < len(lines) and len(lines[end + 1]) - len(lines[end + 1].lstrip()) > indent:
        end += 1
    code = textwrap.dedent("\n".join(lines[start : end + 1]))
    exec(code, vars(sys.modules[function.__module__]), names)
    return names


ACCELERATOR = Stub(
    num_processes=1,
    process_index=0,
    device="cpu",
    gather=lambda x: x,
    gather_for_metrics=lambda x: x,
    reduce=lambda x, reduction: x,
    pad_across_processes=lambda x, dim, pad_index: x,
    sync_gradients=True,
)


def grpo(completions, change):
    options = {
        "loss_type": "dapo",
        "importance_sampling_level": "token",
        "epsilon": 0.2,
        "epsilon_high": 0.28,
        "delta": None,
        "beta": 0.05,
        "top_entropy_quantile": 1.0,
        "masked": [],
        "forced": [None] * len(LENGTHS),
        "left_out": [],
        "use_bias_correction_kl": False,
        "entropy_coef": 0.0,
        "sapo_temperature_pos": 1.0,
        "sapo_temperature_neg": 1.05,
        "vespo_k_pos": 2.0,
        "vespo_lambda_pos": 3.0,
        "vespo_k_neg": 3.0,
        "vespo_lambda_neg": 2.0,
    } | change
    logps = completions["logp"].clone().requires_grad_()
    entropies = completions["entropy"].clone().requires_grad_()
    # A completion of a group that is left out does not reach TRL's loss.
    rows = [i for i in range(len(LENGTHS)) if i not in options["left_out"]]
    completions = {name: values[rows] for name, values in completions.items()}
    logps_all, entropies_all = logps, entropies
    logps, entropies = logps_all[rows], entropies_all[rows]
    mask = MASK.clone()
    mask[options["masked"]] = False
    # The result of a tool is what TRL has of tokens that the model did not draw.
    drawn = torch.ones_like(mask)
    for row, forced in zip(drawn, options["forced"]):
        if forced:
            row[forced[0] : forced[1]] = False
    trainer = Stub(
        _get_per_token_logps_and_entropies=lambda *_, **__: (logps, entropies, None),
        accelerator=ACCELERATOR,
        args=Stub(steps_per_generation=1, **options),
        aux_loss_enabled=False,
        beta=options["beta"],
        current_gradient_accumulation_steps=1,
        epsilon_high=options["epsilon_high"],
        epsilon_low=options["epsilon"],
        importance_sampling_level=options["importance_sampling_level"],
        loss_type=options["loss_type"],
        max_completion_length=8,
        model=Stub(training=True),
        off_policy_mask_threshold=None,
        top_entropy_quantile=options["top_entropy_quantile"],
        use_vllm=False,
        use_adaptive_entropy=False,
        entropy_coef=options["entropy_coef"],
        _entropy_bonus_enabled=options["entropy_coef"] > 0,
        _metrics={"train": defaultdict(list)},
    )
    trainer.get_high_entropy_mask = lambda *a: GRPOTrainer.get_high_entropy_mask(trainer, *a)
    trainer.get_gamma_weights = GRPOTrainer.get_gamma_weights
    inputs = {
        "prompt_ids": torch.ones(len(rows), 1),
        "prompt_mask": torch.ones(len(rows), 1),
        "completion_ids": torch.ones(len(rows), WIDTH),
        "completion_mask": mask[rows].long(),
        "advantages": completions["advantages"],
        "old_per_token_logps": completions["old"],
        "ref_per_token_logps": completions["ref"],
        "tool_mask": drawn[rows].long(),
        "num_items_in_batch": (mask & drawn)[rows].sum(),
    }
    loss = GRPOTrainer._compute_loss(trainer, None, inputs)
    loss.backward()
    metrics = {name: values[0] for name, values in trainer._metrics["train"].items()}
    return {
        "options": options,
        "loss": loss.item(),
        "dLogp": ragged(logps_all.grad),
        "dEntropy": None if entropies_all.grad is None else ragged(entropies_all.grad),
        "metrics": metrics,
    }


def grpo_cases():
    completions = {
        "logp": -normal(4, WIDTH).abs() - 0.1,
        "entropy": normal(4, WIDTH).abs(),
        "advantages": torch.tensor([0.9, -1.3, 0.4, -0.6]),
    }
    completions["old"] = completions["logp"] + normal(4, WIDTH, scale=0.3)
    completions["ref"] = completions["logp"] + normal(4, WIDTH, scale=0.4)
    changes = [{"loss_type": loss} for loss in ("grpo", "bnpo", "dr_grpo", "dapo")]
    changes += [{"loss_type": "cispo", "epsilon_high": 1.1}]
    changes += [change | {"importance_sampling_level": "sequence"} for change in changes]
    changes += [{"delta": 1.4}, {"delta": 1.1, "epsilon_high": 0.5}, {"epsilon_high": 0.2}, {"beta": 0.0}]
    changes += [{"top_entropy_quantile": share} for share in (0.2, 0.5, 0.0)]
    changes += [{"masked": [1], "loss_type": loss} for loss in ("grpo", "bnpo", "dr_grpo", "dapo")]
    changes += [{"masked": [0, 3], "top_entropy_quantile": 0.4, "importance_sampling_level": "sequence"}]
    changes += [{"loss_type": loss} for loss in ("sapo", "luspo", "vespo")]
    changes += [{"loss_type": loss, "importance_sampling_level": "sequence"} for loss in ("sapo", "luspo", "vespo")]
    changes += [{"loss_type": "sapo", "sapo_temperature_pos": 3.0, "sapo_temperature_neg": 0.5}]
    changes += [{"loss_type": "vespo", "vespo_k_pos": 0.5, "vespo_lambda_pos": 1.0}]
    changes += [{"loss_type": "vespo", "vespo_k_neg": 1.0, "vespo_lambda_neg": 0.2}]
    # Weights that overflow.
    changes += [{"loss_type": "vespo", "vespo_k_pos": 1e5, "vespo_k_neg": 1e5}]
    changes += [{"masked": [1], "top_entropy_quantile": 0.5, "loss_type": loss} for loss in ("sapo", "luspo", "vespo")]
    changes += [{"use_bias_correction_kl": True, "importance_sampling_level": level} for level in ("token", "sequence")]
    changes += [{"entropy_coef": 0.1, "loss_type": loss} for loss in ("grpo", "dapo", "luspo")]
    changes += [{"entropy_coef": 0.1, "masked": [1], "top_entropy_quantile": share} for share in (1.0, 0.5)]
    forced = {"forced": [[1, 3], None, None, [2, 4]]}
    for loss in ("grpo", "bnpo", "dr_grpo", "dapo", "sapo", "luspo", "vespo"):
        changes += [forced | {"loss_type": loss, "entropy_coef": 0.1}]
    changes += [forced | {"loss_type": "cispo", "epsilon_high": 1.1}]
    changes += [forced | {"importance_sampling_level": "sequence", "loss_type": "grpo"}]
    changes += [forced | {"top_entropy_quantile": 0.5, "masked": [1]}]
    for loss in ("grpo", "dr_grpo", "dapo", "luspo"):
        changes += [{"left_out": [0, 3], "loss_type": loss}, {"left_out": [2], "masked": [1], "loss_type": loss}]
    changes += [{"left_out": [0], "entropy_coef": 0.1, "top_entropy_quantile": 0.5}]
    cases = [grpo(completions, change) for change in changes]
    shown = {name: ragged(x) if x.dim() == 2 else x.tolist() for name, x in completions.items()}
    return {"completions": shown, "cases": cases}


def advantage_cases():
    rewards = torch.stack([normal(8), normal(8)], dim=1)
    rewards[4:8] = torch.tensor([1.5, -0.5])
    weights = torch.tensor([1.0, 0.5])
    cases = []
    for scale in ("group", "batch", "none"):
        trainer = Stub(scale_rewards=scale, reward_weights=weights, multi_objective_aggregation="sum_then_normalize")
        names = {"self": trainer, "device": "cpu", "rewards_per_func": rewards, "num_generations": 4}
        names["unscorable_mask"] = torch.zeros(8, dtype=torch.bool)
        done = run_lines(
            GRPOTrainer._generate_and_score_completions,
            'if self.multi_objective_aggregation == "sum_then_normalize"',
            "advantages = torch.nan_to_num",
            names,
        )
        zero = done["is_std_zero"].double().mean().item()
        cases.append({"scale_rewards": scale, "advantages": done["advantages"].tolist(), "frac_reward_zero_std": zero})
    return {"rewards": rewards.T.tolist(), "weights": weights.tolist(), "num_generations": 4, "cases": cases}


def overlong_cases():
    lengths = [0, 1, 59, 60, 61, 79, 80, 99, 100]
    cases = []
    for longest, cache in ((100, 20), (100, 40), (100, 100)):
        punish = get_soft_overlong_punishment(longest, cache)
        cases.append({"longest": longest, "cache": cache, "rewards": punish([[1] * n for n in lengths])})
    return {"lengths": lengths, "cases": cases}


EOS = 7
# The second and the last completion were cut off.
RESPONSES = torch.tensor([[EOS if t == n - 1 and n in (5, 1) else 1 for t in range(WIDTH)] for n in LENGTHS])


def ppo(episodes, change):
    args = Stub(
        **{
            "kl_coef": 0.1,
            "kl_estimator": "k1",
            "whiten_rewards": False,
            "gamma": 1.0,
            "lam": 0.95,
            "cliprange": 0.2,
            "cliprange_value": 0.2,
            "vf_coef": 0.1,
            "missing_eos_penalty": None,
        }
        | change
    )
    trainer = Stub(args=args, processing_class=Stub(eos_token_id=EOS))
    lengths = torch.tensor(LENGTHS) - 1
    padding = ~MASK
    names = {
        "self": trainer,
        "args": args,
        "postprocessed_responses": RESPONSES,
        "logprobs": episodes["old"].masked_fill(padding, ppo_trainer.INVALID_LOGPROB),
        "ref_logprobs": episodes["ref"].masked_fill(padding, ppo_trainer.INVALID_LOGPROB),
        "values": episodes["oldValues"].masked_fill(padding, 0),
        "scores": episodes["scores"].clone(),
        "responses": torch.ones(MASK.shape),
        "sequence_lengths_p1": lengths,
        "sequence_lengths": lengths,
        "padding_mask": padding,
        "padding_mask_p1": padding,
        "empty_cache": lambda: None,
    }
    train = ppo_trainer.PPOTrainer.train
    run_lines(train, "contain_eos_token =", "if self.args.missing_eos_penalty is not None", names)
    run_lines(
        train,
        "logr = ref_logprobs - logprobs",
        "advantages = torch.masked_fill(advantages, padding_mask, 0)",
        names,
    )
    logp = episodes["logp"].clone().requires_grad_()
    values = episodes["values"].clone().requires_grad_()
    update = {
        "args": args,
        "new_logprobs": logp.masked_fill(padding, ppo_trainer.INVALID_LOGPROB),
        "vpred": values.masked_fill(padding, 0),
        "padding_mask": padding,
        "padding_mask_p1": padding,
        "micro_batch_inds": slice(None),
        "mb_values": names["values"],
        "mb_return": names["returns"],
        "mb_logprobs": names["logprobs"],
        "mb_advantage": names["advantages"],
    }
    run_lines(train, "vpredclipped = torch.clamp(", "loss = pg_loss + args.vf_coef * vf_loss", update)
    run_lines(train, "pg_clipfrac = masked_mean(", ")", update)
    update["loss"].backward()
    return {
        "options": vars(args),
        "rewards": ragged(names["rewards"]),
        "advantages": ragged(names["advantages"]),
        "returns": ragged(names["returns"]),
        "policyLoss": update["pg_loss"].item(),
        "valueLoss": update["vf_loss"].item(),
        "clipfrac": update["pg_clipfrac"].item(),
        "valueClipfrac": update["vf_clipfrac"].item(),
        "dLogp": ragged(logp.grad),
        "dValues": ragged(values.grad),
    }


def ppo_cases():
    episodes = {"old": -normal(4, WIDTH).abs() - 0.1, "oldValues": normal(4, WIDTH), "scores": normal(4)}
    episodes["ref"] = episodes["old"] + normal(4, WIDTH, scale=0.4)
    episodes["logp"] = episodes["old"] + normal(4, WIDTH, scale=0.3)
    episodes["values"] = episodes["oldValues"] + normal(4, WIDTH, scale=0.3)
    changes = [{}, {"kl_estimator": "k3"}, {"whiten_rewards": True}, {"lam": 1.0, "cliprange_value": 0.5}]
    changes += [{"gamma": 0.9, "lam": 0.7, "kl_coef": 0.5, "cliprange": 0.1, "vf_coef": 1.0}]
    changes += [{"missing_eos_penalty": 1.5}]
    cases = [ppo(episodes, change) for change in changes]
    shown = {name: ragged(x) if x.dim() == 2 else x.tolist() for name, x in episodes.items()}
    finished = (RESPONSES == EOS).any(dim=1).tolist()
    return {"episodes": shown | {"finished": finished}, "cases": cases}


class Logits(torch.nn.Module):
    is_gradient_checkpointing = False

    def forward(self, **_):
        return Stub(logits=torch.zeros(4, WIDTH + 1, 3))


def dpo_case(beta):
    """Two pairs: the first two completions are chosen, the other two rejected."""
    leaves = [(-normal(4, WIDTH).abs()).requires_grad_(), -normal(4, WIDTH).abs()]
    given = iter(leaves)
    dpo_trainer.selective_log_softmax = lambda *_: next(given).clone()
    model = Logits()
    trainer = Stub(
        accelerator=ACCELERATOR,
        args=Stub(gradient_checkpointing_kwargs=None, gradient_checkpointing=False),
        aux_loss_enabled=False,
        beta=beta,
        f_divergence_type="reverse_kl",
        ld_alpha=None,
        loss_types=["sigmoid"],
        loss_weights=[1.0],
        model=model,
        precompute_ref_logps=False,
        ref_model=model,
        use_weighting=False,
        _metrics={"train": defaultdict(list)},
        _total_train_tokens=0,
    )
    mask = torch.cat([torch.zeros(4, 1, dtype=torch.bool), MASK], dim=1).long()
    inputs = {"input_ids": torch.ones_like(mask), "attention_mask": torch.ones_like(mask), "completion_mask": mask}
    loss = DPOTrainer._compute_loss(trainer, model, inputs, False)
    loss.backward()
    kept = ("rewards/", "logps/")
    metrics = {k: v[0] for k, v in trainer._metrics["train"].items() if k.startswith(kept)}
    return {
        "beta": beta,
        "logp": ragged(leaves[0]),
        "ref": ragged(leaves[1]),
        "loss": loss.item(),
        "dLogp": ragged(leaves[0].grad),
        "metrics": metrics,
    }


def reward_case(centering, margin=None):
    scores = normal(6).requires_grad_()
    trainer = Stub(
        accelerator=ACCELERATOR,
        args=Stub(center_rewards_coefficient=centering),
        model=Stub(training=True),
        _metrics={"train": defaultdict(list)},
        _total_train_tokens=0,
    )
    inputs = {"attention_mask": torch.ones(6, 1)}
    if margin is not None:
        inputs["margin"] = torch.tensor(margin)
    loss = RewardTrainer.compute_loss(trainer, lambda **_: Stub(logits=scores.unsqueeze(-1)), inputs)
    loss.backward()
    metrics = {name: trainer._metrics["train"][name][0] for name in ("accuracy", "margin", "mean_reward")}
    return {
        "centering": centering,
        "margin": margin,
        "scores": scores.tolist(),
        "loss": loss.item(),
        "dScores": scores.grad.tolist(),
        "metrics": metrics,
    }


def sft_case(items):
    """Two examples whose prompts are masked as completion_only_loss does; `items`: tokens of the step."""
    logits = normal(2, 6, 4).requires_grad_()
    labels = torch.tensor([[-100, -100, 3, 0, 1, 2], [-100, 1, 1, -100, -100, -100]])
    loss = sft_trainer._chunked_cross_entropy_loss(
        logits, torch.eye(4), chunk_size=3, labels=labels, num_items_in_batch=items
    )[0]
    loss.backward()
    # A token is drawn from the logits of the position before it.
    learnt = labels[:, 1:] != -100
    return {
        "items": items or learnt.sum().item(),
        "logits": logits[:, :-1][learnt].tolist(),
        "targets": labels[:, 1:][learnt].tolist(),
        "loss": loss.item(),
        "dLogits": logits.grad[:, :-1][learnt].tolist(),
    }


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 8) if isinstance(value, float) else value


golden = {
    "grpo": grpo_cases(),
    "advantages": advantage_cases(),
    "overlong": overlong_cases(),
    "ppo": ppo_cases(),
    "dpo": [dpo_case(beta) for beta in (0.1, 1.0)],
    "reward": [reward_case(*case) for case in [(None,), (0.01,), (0.01, [0.5, 2.0, -0.25])]],
    "sft": [sft_case(items) for items in (None, 20)],
}
with open(sys.argv[1], "w") as file:
    json.dump(rounded(golden), file)
    file.write("\n")
