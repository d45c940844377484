"""The rewards that OpenRLHF would get, as JSON, for queries and prompts from standard input.

  python3 check_openrlhf_reward.py FOLDER      FOLDER: of `ponder export --to openrlhf`, with rules alone

It needs neither torch nor transformers: the tokenizer that stands in for the policy's has one token for each
character, and <eos>, and puts a space before a text, as SentencePiece does.
"""
import importlib.util
import json
import sys
import types
from pathlib import Path


class Numbers(list):
    def __rmul__(self, weight):
        return Numbers(weight * value for value in self)

    def __radd__(self, other):
        return self if other == 0 else Numbers(a + b for a, b in zip(other, self))

    __add__ = __radd__


class Tokenizer:
    @classmethod
    def from_pretrained(cls, folder):
        assert Path(folder).name == "policy"
        return cls()

    def __call__(self, text, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": [ord(c) for c in f" {text}"]}

    def decode(self, ids):
        return "<eos>" if ids == 1 else "".join(map(chr, ids))


sys.modules["torch"] = types.SimpleNamespace(tensor=Numbers)
sys.modules["transformers"] = types.SimpleNamespace(AutoTokenizer=Tokenizer)
spec = importlib.util.spec_from_file_location("reward_func", Path(sys.argv[1]) / "reward.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(json.dumps(module.reward_func(**json.load(sys.stdin))))
