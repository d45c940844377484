"""The reward of the run, as OpenRLHF calls it: --reward.remote_url reward.py."""
import functools
import json
import sys
import threading
from pathlib import Path

import torch
from transformers import AutoTokenizer

# OpenRLHF loads this file by its path, from any working directory.
sys.path.insert(0, str(Path(__file__).parent))

from scoring import HERE, REWARDS, RUN, response_in

# OpenRLHF calls this from several threads; each model is loaded once.
one_at_a_time = threading.Lock()


@functools.cache
def policy_tokenizer():
    return AutoTokenizer.from_pretrained(HERE / "policy")


def completion(query, prompt):
    """What follows the prompt, without the stop token. A query is prompt and completion, decoded together."""
    tokenizer = policy_tokenizer()
    start = tokenizer.decode(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    if not query.startswith(start):
        raise ValueError(f"the query does not begin with its prompt: {query!r}, {prompt!r}")
    text = query[len(start) :]
    stop = next((stop for stop in map(tokenizer.decode, RUN["stop_ids"]) if text.endswith(stop)), "")
    return text[: len(text) - len(stop)]


def reward_func(queries, prompts, labels):
    """The weighted sums, and each reward under its name."""
    with one_at_a_time:
        asked = [json.loads(label) for label in labels]
        said = [response_in(completion(query, prompt)) for query, prompt in zip(queries, prompts)]
        judged = [label["turns"] for label in asked], said, [label["row"] for label in asked]
        rewards = {name: torch.tensor(score(*judged)) for name, score in REWARDS.items()}
    total = sum(weight * reward for weight, reward in zip(RUN["weights"], rewards.values()))
    return {"rewards": total, "scores": total, "extra_logs": rewards}
