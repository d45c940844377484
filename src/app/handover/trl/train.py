"""Goes on with a run of Ponder in TRL.

  python train.py --config recipe.yaml                                              one process
  accelerate launch --multi_gpu --num_processes 8 train.py --config recipe.yaml     eight cards

Any key of the recipe can be given as --key value. `trl ALGORITHM --config recipe.yaml` trains as well, but
with new moments of Adam, a learning rate that starts at its beginning, and the policy as it is now as the
reference. If the tokenizer adds BOS, `trl` adds it a second time, because the prompts of train.jsonl begin with it.
"""
import importlib
import json
import sys
from pathlib import Path

import torch
import transformers
import trl
from datasets import load_dataset
from peft import PeftModel
from safetensors.torch import load_file

RUN = json.loads(Path("run.json").read_text())
TRAINERS = {
    "grpo": trl.GRPOTrainer,
    "sft": trl.SFTTrainer,
    "reward": trl.RewardTrainer,
    "dpo": trl.DPOTrainer,
}


def own_name(name):
    """The name in Ponder's files: without the names of an adapter, and of a module that is trained beside it."""
    name = name.removeprefix("module.")
    return name.replace(".modules_to_save.default.", ".").replace(".default.", ".")


class GoesOn:
    """Adam's moments and the learning rate go on from the step at which the run was handed over."""

    def create_optimizer(self, *args):
        optimizer = super().create_optimizer(*args)
        # DeepSpeed and FSDP cut parameters into pieces, whose moments start anew.
        whole = not (self.is_deepspeed_enabled or self.is_fsdp_enabled)
        if not RUN["moments"] or not whole:
            return optimizer
        moments = load_file("optimizer.safetensors")
        names = {parameter: own_name(name) for name, parameter in self.model.named_parameters()}
        for parameter in (p for group in optimizer.param_groups for p in group["params"]):
            name = names[parameter]
            optimizer.state[parameter] = {
                "step": torch.tensor(float(RUN["step"]), device=parameter.device),
                "exp_avg": moments[f"exp_avg.{name}"].to(parameter),
                "exp_avg_sq": moments[f"exp_avg_sq.{name}"].to(parameter),
            }
        return optimizer

    def create_scheduler(self, num_training_steps, optimizer=None):
        # The schedule of the whole run, from the step at which it was handed over.
        scheduler = super().create_scheduler(RUN["step"] + num_training_steps, optimizer)
        scheduler.lr_lambdas = [lambda i, f=f: f(i + RUN["step"]) for f in scheduler.lr_lambdas]
        rates = zip(scheduler.optimizer.param_groups, scheduler.base_lrs, scheduler.lr_lambdas)
        for group, rate, factor in rates:
            group["lr"] = rate * factor(0)
        scheduler._last_lr = [group["lr"] for group in scheduler.optimizer.param_groups]
        return scheduler


def as_written(folder):
    """The tokenizer of the policy. The texts of train.jsonl have BOS where it belongs; none is added."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    # TRL stops at the EOS token and teaches it; a chat model may end its turn with another token.
    if RUN["algorithm"] != "reward" and "turn_end" in RUN:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(RUN["turn_end"])
    kind = type(tokenizer)

    def call(self, *args, add_special_tokens=False, **more):
        return kind.__call__(self, *args, add_special_tokens=add_special_tokens, **more)

    # The name of the class is written into tokenizer_config.json.
    tokenizer.__class__ = type(kind.__name__, (kind,), {"__call__": call})
    return tokenizer


def load(folder, options, **more):
    kind = transformers.AutoModelForCausalLM
    if RUN["algorithm"] == "reward":
        kind, more = transformers.AutoModelForSequenceClassification, {"num_labels": 1, **more}
    return kind.from_pretrained(folder, dtype=options.dtype, **more)


def policy(options):
    if not RUN["adapter"]:
        model = load("policy", options)
        # TRL loads the reference of GRPO from the folder that the policy's config names.
        if RUN["reference"]:
            model.config._name_or_path = "reference"
        return model
    quantised = trl.get_quantization_config(options)
    base = load("base", options, **({"quantization_config": quantised} if quantised else {}))
    return PeftModel.from_pretrained(base, "policy", is_trainable=True)


def set_reference(model):
    """TRL's reference of an adapter is a copy named "ref": here it becomes the adapter before training."""
    before = load_file("reference/adapter_model.safetensors") if RUN["reference"] else {}
    for name, parameter in model.named_parameters():
        if ".ref." in name:
            value = before.get(name.replace(".ref.", "."))
            # A new adapter changes nothing: its B is zero.
            parameter.data.copy_(value) if value is not None else parameter.data.zero_()


def main():
    script = importlib.import_module(f"trl.scripts.{RUN['algorithm']}")
    _, arguments, options, _ = script.make_parser().parse_args_and_config()
    Trainer = TRAINERS[RUN["algorithm"]]
    more = {}
    if RUN["algorithm"] == "grpo":
        sys.path.insert(0, ".")
        rewards = importlib.import_module("rewards")
        more["reward_funcs"] = [getattr(rewards, name) for name in RUN["rewards"]]
    if RUN["algorithm"] == "dpo" and RUN["reference"] and not RUN["adapter"]:
        more["ref_model"] = load("reference", options)
    trainer = type(Trainer.__name__, (GoesOn, Trainer), {})(
        model=policy(options),
        args=arguments,
        train_dataset=load_dataset("json", data_files="train.jsonl", split="train"),
        eval_dataset=load_dataset("json", data_files="test.jsonl", split="train") if RUN["test"] else None,
        processing_class=as_written("policy"),
        **more,
    )
    if RUN["adapter"]:
        set_reference(trainer.model)
    if trainer.is_world_process_zero():
        # So that Ponder knows the run again.
        output = Path(arguments.output_dir)
        output.mkdir(parents=True, exist_ok=True)
        (output / "ponder.json").write_text(json.dumps(RUN["origin"]))
    trainer.train(resume_from_checkpoint=arguments.resume_from_checkpoint)
    trainer.save_model(arguments.output_dir)


if __name__ == "__main__":
    main()
