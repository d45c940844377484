"""Makes golden numbers of tiny models of every family, with transformers in float32 on a CPU.

  python make_families.py        needs ../requirements-golden.txt; run once, by hand; writes CASE.json here

No weights are stored: `number` makes them, here and in families.test.ts. CASE.json holds
  config, rewardConfig: config.json as transformers writes it, of a causal model and of a classifier
  tensors: name and shape of each tensor that transformers saves; rewardTensors: those of a classifier
  sequences: token ids; logits: of each sequence, from one right-padded batch
  greedy: what `generate` continues the first sequence with; scores: of the classifier, one a sequence
  gradients: of sum_t w_t log p(id_t) over all sequences, with w from `number`: for each tensor its norm
    and its products with eight vectors of +1 and -1, also from `number`
"""
import json
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

PROBES = 8
PAD = 0
SEQUENCES = [
    [5, 9, 2, 17, 11, 3, 22, 8, 14, 6, 19, 4],
    [5, 9, 2, 17, 11, 3, 13, 20],
    [21, 7, 10, 18, 12, 16, 15],
]
BASE = dict(vocab_size=24, hidden_size=16, intermediate_size=20, num_hidden_layers=2)
BASE |= dict(num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64)
BASE |= dict(pad_token_id=PAD, bos_token_id=None, eos_token_id=None)
WINDOWS = dict(sliding_window=5, layer_types=["sliding_attention", "full_attention"])
HALF = {"rope_theta": 10000.0, "partial_rotary_factor": 0.5}


def longrope(original):
    factors = dict(short_factor=[1.0, 1.25, 1.5, 2.0], long_factor=[1.5, 3.0, 6.0, 9.0])
    rope = dict(rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=original)
    return dict(rope_parameters=rope | factors, original_max_position_embeddings=original)


def scaled(kind, **fields):
    return dict(rope_parameters=dict(rope_type=kind, rope_theta=10000.0, **fields))


def by_layer_type(full):
    sliding = {"rope_type": "default", "rope_theta": 10000.0}
    full = {"rope_theta": 10000.0} | full
    return dict(rope_parameters={"full_attention": full, "sliding_attention": sliding})


CASES = {
    "llama-linear": ("llama", scaled("linear", factor=4.0)),
    "llama-dynamic": ("llama", scaled("dynamic", factor=4.0) | dict(max_position_embeddings=8)),
    "llama-yarn": ("llama", scaled("yarn", factor=4.0, original_max_position_embeddings=16)),
    "qwen3-tied": ("qwen3", dict(head_dim=12, tie_word_embeddings=True)),
    "qwen2-window": ("qwen2", WINDOWS | dict(use_sliding_window=True)),
    "mistral": ("mistral", dict(sliding_window=5)),
    "mistral-tied": ("mistral", dict(sliding_window=None, head_dim=12, tie_word_embeddings=True)),
    "smollm3": ("smollm3", dict(no_rope_layers=[1, 0])),
    "smollm3-untied": (
        "smollm3",
        dict(no_rope_layers=[1, 0], use_sliding_window=True, sliding_window=5, tie_word_embeddings=False),
    ),
    "granite": (
        "granite",
        dict(embedding_multiplier=3.0, logits_scaling=2.5, residual_multiplier=0.3)
        | dict(attention_multiplier=0.2, tie_word_embeddings=True),
    ),
    "granite-untied": (
        "granite",
        dict(embedding_multiplier=12.0, logits_scaling=4.0, residual_multiplier=0.22)
        | dict(attention_multiplier=0.5, tie_word_embeddings=False),
    ),
    "olmo2": ("olmo2", dict(num_key_value_heads=2)),
    "olmo2-tied": ("olmo2", dict(tie_word_embeddings=True)),
    "olmo3": ("olmo3", WINDOWS),
    "olmo3-tied": (
        "olmo3",
        WINDOWS
        | dict(tie_word_embeddings=True)
        | by_layer_type(dict(rope_type="yarn", factor=2.0, original_max_position_embeddings=32)),
    ),
    "phi3": ("phi3", dict(rope_parameters=HALF, sliding_window=5)),
    "phi3-longrope-short": ("phi3", longrope(32) | dict(tie_word_embeddings=True)),
    "phi3-longrope-long": ("phi3", longrope(6)),
    "gemma3": ("gemma3_text", WINDOWS | dict(head_dim=8, query_pre_attn_scalar=12)),
    "gemma3-untied": (
        "gemma3_text",
        WINDOWS
        | dict(head_dim=12, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False)
        | by_layer_type(dict(rope_type="linear", factor=8.0, rope_theta=1e6)),
    ),
}
def number(stream, count):
    """`count` numbers in [-1, 1): multiples of 2^-11 from a hash of their index and the stream."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(stream + 1) * np.uint32(40503)
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
        x = x ^ (x >> np.uint32(16))
    return (x >> np.uint32(20)).astype(np.float32) / 2048 - 1


def fill(model, names):
    state = model.state_dict()
    for stream, name in enumerate(names):
        shape = state[name].shape
        values = torch.from_numpy(number(stream, state[name].numel())).reshape(shape) * 0.5
        state[name].copy_(values + 1 if "norm" in name and model.config.model_type != "gemma3_text" else values)


def saved_names(model):
    tied = model.config.tie_word_embeddings
    return sorted(name for name in model.state_dict() if not (tied and name == "lm_head.weight"))


def written(config, model):
    config.architectures = [type(model).__name__]
    fields = json.loads(config.to_json_string())
    fields.pop("transformers_version", None)
    return fields


def padded():
    longest = max(map(len, SEQUENCES))
    ids = torch.tensor([s + [PAD] * (longest - len(s)) for s in SEQUENCES])
    mask = torch.tensor([[1] * len(s) + [0] * (longest - len(s)) for s in SEQUENCES])
    return ids, mask


def numbers(array, digits=7):
    return [float(f"{x:.{digits}g}") for x in np.asarray(array, dtype=np.float64).ravel()]


def make(case, family, changes):
    config = AutoConfig.for_model(family, **(BASE | changes))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    names = saved_names(model)
    fill(model, names)
    model.tie_weights()
    shapes = {name: list(model.state_dict()[name].shape) for name in names}
    ids, mask = padded()
    logits = model(input_ids=ids, attention_mask=mask).logits
    logps = torch.log_softmax(logits, -1)
    loss, stream = 0, 1000
    for row, sequence in enumerate(SEQUENCES):
        weights = number(stream + row, len(sequence))
        for t in range(1, len(sequence)):
            loss = loss + float(weights[t]) * logps[row, t - 1, sequence[t]]
    loss.backward()
    gradients = {}
    parameters = dict(model.named_parameters())
    for name in names:
        g = parameters[name].grad.numpy().astype(np.float64).ravel()
        probes = [np.where(number(2000 + k, g.size) < 0, -1.0, 1.0) @ g for k in range(PROBES)]
        gradients[name] = numbers([np.linalg.norm(g), *probes])
    first = torch.tensor([SEQUENCES[0]])
    greedy = model.generate(first, do_sample=False, max_new_tokens=10, use_cache=True, pad_token_id=PAD)
    found = dict(
        config=written(config, model),
        tensors=shapes,
        sequences=SEQUENCES,
        logits=[numbers(logits[row, : len(s)].detach(), 6) for row, s in enumerate(SEQUENCES)],
        greedy=greedy[0, len(SEQUENCES[0]) :].tolist(),
        gradients=gradients,
    )
    return found | rewards(config, model, names)


def rewards(config, model, names):
    from transformers import AutoModelForSequenceClassification

    try:
        fields = config.to_dict() | dict(num_labels=1)
        config = AutoConfig.for_model(fields.pop("model_type"), **fields)
        config._attn_implementation = "eager"
        classifier = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32).eval()
    except ValueError as error:
        print("no classifier:", str(error)[:90])
        return {}
    own = classifier.state_dict()
    for name, values in model.state_dict().items():
        if name in own:
            own[name].copy_(values)
    own["score.weight"].copy_(torch.from_numpy(number(len(names), own["score.weight"].numel())) * 0.5)
    ids, mask = padded()
    scores = classifier(input_ids=ids, attention_mask=mask).logits
    shapes = {name: list(own[name].shape) for name in sorted(own)}
    return dict(
        rewardConfig=written(config, classifier),
        rewardTensors=shapes,
        scores=numbers(scores.detach()),
    )


if __name__ == "__main__":
    print("transformers", transformers.__version__, "torch", torch.__version__)
    for case, (family, changes) in CASES.items():
        torch.manual_seed(0)
        found = make(case, family, changes)
        path = Path(__file__).parent / f"{case}.json"
        path.write_text(json.dumps(found, separators=(",", ":")) + "\n")
        print(case, path.stat().st_size, found["greedy"])
