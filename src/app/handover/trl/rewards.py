"""The rewards of the run, as TRL calls them: with the completions of its process, and the columns of train.jsonl."""
import functools

from transformers import AutoTokenizer

from scoring import HERE, REWARDS, RUN, response_in


@functools.cache
def policy_tokenizer():
    return AutoTokenizer.from_pretrained(HERE / "policy")


def responses(completion_ids):
    texts = []
    for ids in completion_ids:
        ids = list(ids)
        if ids and ids[-1] in RUN["stop_ids"]:
            ids.pop()
        texts.append(response_in(policy_tokenizer().decode(ids)))
    return texts


def for_trl(name, score):
    def reward(completion_ids, turns, row, **_):
        return score(turns, responses(completion_ids), row)

    # TRL names the metric after it.
    reward.__name__ = name
    return reward


globals().update({name: for_trl(name, score) for name, score in REWARDS.items()})
