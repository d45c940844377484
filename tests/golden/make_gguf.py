"""Blocks of GGUF's quantised types and two tiny models, with what the package gguf reads from them.

  python make_gguf.py OUT.json       needs gguf==0.19.0 and numpy; run once, by hand

OUT.json: blocks: type -> [bytes, float32 values] of some blocks of random bytes with sensible scales;
quantised: float32 values, and the bytes of the types that Ponder writes;
models: name -> {file, tensors: name in transformers -> hash of its float32 values}. Bytes are base64; a
hash is the first 12 digits of sha256. Embedding and head are rounded to float16; zeros have no sign.
"""
import base64
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type, GGUFWriter, TokenType, dequantize, quantize

RNG = np.random.default_rng(7)
HIDDEN, HEADS, KV, HEAD, WIDE, VOCAB = 32, 4, 2, 8, 64, 13
#: type -> bytes of a block, places of its float16 scales
BLOCKS = {
    Type.Q4_0: (18, [0]), Type.Q4_1: (20, [0, 2]), Type.Q5_0: (22, [0]), Type.Q5_1: (24, [0, 2]), Type.Q8_0: (34, [0]),
    Type.Q4_K: (144, [0, 2]), Type.Q5_K: (176, [0, 2]), Type.Q6_K: (210, [208]),
}


def base64_of(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def random_blocks(kind, count=3):
    size, scales = BLOCKS[kind]
    blocks = RNG.integers(0, 256, (count, size), dtype=np.uint8)
    for at in scales:
        values = RNG.normal(0, 0.05, count).astype(np.float16)
        blocks[:, at : at + 2] = values.view(np.uint8).reshape(count, 2)
    return blocks.reshape(-1)


def paired(weight, heads):
    """As llama.cpp's converter orders the rows of queries and keys."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def model(architecture, vocabulary):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        writer = GGUFWriter(path, architecture)
        writer.add_context_length(128)
        writer.add_embedding_length(HIDDEN)
        writer.add_block_count(1)
        writer.add_feed_forward_length(WIDE)
        writer.add_head_count(HEADS)
        writer.add_head_count_kv(KV)
        writer.add_layer_norm_rms_eps(1e-6)
        writer.add_rope_freq_base(50000.0)
        if architecture != "llama":
            writer.add_key_length(HEAD)
        vocabulary(writer)
        values = {}

        def add(name, own, shape, kind=None, order=lambda w: w):
            weight = RNG.normal(0, 0.3, shape).astype(np.float32)
            if kind is None:
                values[own] = weight
                writer.add_tensor(name, order(weight))
                return
            data = quantize(weight, kind)
            values[own] = dequantize(data, kind).reshape(shape).astype(np.float32)
            if own in ("model.embed_tokens.weight", "lm_head.weight"):
                values[own] = values[own].astype(np.float16).astype(np.float32)
            # Rows are quantised one by one, so that their order does not matter.
            writer.add_tensor(name, quantize(order(weight), kind), raw_dtype=kind)

        is_llama = architecture == "llama"
        add("token_embd.weight", "model.embed_tokens.weight", (VOCAB, HIDDEN), Type.Q8_0)
        add("output_norm.weight", "model.norm.weight", (HIDDEN,))
        own = "model.layers.0."
        add("blk.0.attn_norm.weight", own + "input_layernorm.weight", (HIDDEN,))
        add("blk.0.ffn_norm.weight", own + "post_attention_layernorm.weight", (HIDDEN,))
        for part, heads, kind in (("q", HEADS, Type.Q8_0), ("k", KV, Type.Q4_1), ("v", KV, Type.Q5_0)):
            order = (lambda w, h=heads: paired(w, h)) if is_llama and part in "qk" else (lambda w: w)
            add(f"blk.0.attn_{part}.weight", own + f"self_attn.{part}_proj.weight", (heads * HEAD, HIDDEN), kind, order)
            if architecture == "qwen2":
                add(f"blk.0.attn_{part}.bias", own + f"self_attn.{part}_proj.bias", (heads * HEAD,))
            if architecture == "qwen3" and part in "qk":
                add(f"blk.0.attn_{part}_norm.weight", own + f"self_attn.{part}_norm.weight", (HEAD,))
        add("blk.0.attn_output.weight", own + "self_attn.o_proj.weight", (HIDDEN, HEADS * HEAD), Type.Q4_0)
        for part in ("gate", "up"):
            add(f"blk.0.ffn_{part}.weight", own + f"mlp.{part}_proj.weight", (WIDE, HIDDEN), Type.Q4_0)
        add("blk.0.ffn_down.weight", own + "mlp.down_proj.weight", (HIDDEN, WIDE), Type.Q4_1)
        if not is_llama:
            add("output.weight", "lm_head.weight", (VOCAB, HIDDEN), Type.Q8_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return {
            "file": base64.b64encode(path.read_bytes()).decode(),
            "tensors": {name: hashlib.sha256((value + 0.0).astype(np.float32).tobytes()).hexdigest()[:12] for name, value in values.items()},
        }


def byte_pairs(writer):
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(["a", "b", "c", "Ġ", "1", "ab", "Ġab", "<eos>", "<user>", "</think>", "Ċ", "!", "x"])
    writer.add_token_merges(["a b", "Ġ ab"])
    writer.add_token_types([TokenType.NORMAL] * 7 + [TokenType.CONTROL] * 2 + [TokenType.USER_DEFINED] + [TokenType.NORMAL] * 3)
    writer.add_eos_token_id(7)
    writer.add_chat_template("{{ messages[0].content }}<eos>")


def pieces(writer):
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", "<0x0A>", "▁", "a", "b", "▁a", "ab", "▁ab", "aab", "c", "\ufeffa"])
    writer.add_token_scores([0.0, 0.0, 0.0, 0.0, -5.0, -6.0, -7.0, -3.0, -2.0, -4.0, -1.0, -8.0, -9.0])
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, TokenType.BYTE]
    writer.add_token_types(kinds + [TokenType.NORMAL] * 9)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def main(out):
    blocks = {}
    for kind in BLOCKS:
        data = random_blocks(kind)
        blocks[kind.name] = [int(kind), base64_of(data), base64_of(dequantize(data, kind).astype(np.float32) + np.float32(0))]
    models = {"llama": model("llama", pieces), "qwen2": model("qwen2", byte_pairs), "qwen3": model("qwen3", byte_pairs)}
    # Plain ones, a block of zeros, one with a single number, and ties of rounding.
    values = RNG.normal(0, 0.1, (6, 32)).astype(np.float32)
    values[3], values[4], values[5] = 0, 0, np.arange(-16, 16) / 4
    values[4, 7] = -3.5
    quantised = {"values": base64_of(values)}
    for kind in (Type.Q8_0, Type.Q4_0):
        quantised[kind.name] = base64_of(quantize(values, kind))
    json.dump({"blocks": blocks, "models": models, "quantised": quantised}, open(out, "w"), separators=(",", ":"))


main(sys.argv[1])
