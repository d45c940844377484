"""What transformers makes of a tokenizer.json by the tokenizer's class and the model's type.

  python make_tokenizer_classes.py OUT.json        needs requirements.txt; run once, by hand
  python make_tokenizer_classes.py show NUMBER     the rows of one case, to see where another differs

For some classes transformers uses only the vocabulary and the merges of the file and builds the rest anew.
OUT.json: texts; bases: name -> tokenizer.json; variants: name -> what the case has beside the base (fields
  of tokenizer.json, and other files by name); classes: class name -> whether transformers uses the file as it
  is; cases: model_type -> tokenizer_class -> variant -> base -> hash. Of each case the hash covers one row a text and
  the ids of the special tokens; a row is [ids, ids with special tokens, text decoded from the latter, the same
  without special tokens]. "-" stands for a folder that transformers cannot load.
"""
import ast
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import transformers  # noqa: E402
import transformers.dynamic_module_utils  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402
from transformers.models.auto.tokenization_auto import tokenizer_class_from_name  # noqa: E402
from transformers.tokenization_utils_tokenizers import TokenizersBackend  # noqa: E402

# Code that a folder brings is refused at once, not asked for.
transformers.dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0

TEXTS = [
    "", " ", "  ", "abc", " abc", "ab abc  ab", "ABC Abc", "12 123 1 2", "a12", "ab\n\n12", "ab\n\n ab", "ab.\nab", "ab's abc'S",
    "x.. ..", "é e\u0301", "é", "ﬁ ½", "q", "a q b", "▁a ▁ab", "<s>ab</s>", "ab <s> ab", "<pad>ab <unk>", "ab<|endoftext|> ab", "<mask>a",
    "<own> ab", "ab  <own>  ab", "word words <extra>", "<extra> <extra>ab", "ab<image>ab", "<map> ab <map>", "\tab\t\tab", "a\u00a0b", "[PAD]ab", "<s> ab<s>ab",
    "ab ab<own>ab ab", "12<own>12 <s>\n\n12", "<bos>ab<eos>", "a" * 9,
]
MODEL_TYPES = [None, "llama", "smollm3", "qwen2", "qwen3", "gemma3_text", "mistral", "granite", "olmo2", "olmo3", "phi3"]
CLASSES = [
    None, "PreTrainedTokenizerFast", "TokenizersBackend", "PreTrainedTokenizer", "LlamaTokenizer", "LlamaTokenizerFast", "GemmaTokenizerFast", "GPT2Tokenizer",
    "Qwen2TokenizerFast", "Qwen2Tokenizer", "Qwen3_5Tokenizer", "GPTNeoXTokenizerFast", "CohereTokenizerFast", "BloomTokenizerFast", "UnheardOfTokenizer",
]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def added(content, id, special=True, **flags):
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": not special}
    return {"id": id, "content": content, **plain, **flags, "special": special}


def file(model, vocab, merges, **parts):
    """A tokenizer.json whose added tokens follow the vocabulary."""
    count = len(vocab)
    tokens = [added("<s>", count), added("</s>", count + 1), added("<own>", count + 2, special=False, rstrip=True)]
    empty = {"normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None}
    return {
        **{"version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, **empty, **parts},
        "model": {**model, "vocab": vocab, **({} if merges is None else {"merges": merges})},
    }


def byte_level(**options):
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True, **options}


def sequence(name, *parts):
    return {"type": "Sequence", name: list(parts)}


def split(regex):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}


def ids(tokens):
    return {token: id for id, token in enumerate(tokens)}


BPE = {
    **{"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None},
    **{"end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False},
}
BYTES = ["<unk>", *"abcwordse<>/xAB12.'ĠĊĉÃ©ÌģÂł", "ab", "abc", "Ġab", "12", "ĊĊ", "ĊĊ12", "..", "Ġ12", ".Ċ", "Ġ.", "'s", "Ã©", "Ġa", "ĠĠ", "Ġabcx", "word"]
BYTE_MERGES = [
    ["a", "b"], ["ab", "c"], ["Ġ", "ab"], ["1", "2"], ["Ċ", "Ċ"], ["ĊĊ", "12"], [".", "."], ["Ġ", "12"], [".", "Ċ"], ["Ġ", "."], ["'", "s"],
    ["Ã", "©"], ["Ġ", "a"], ["Ġ", "Ġ"],
]
PIECES = ["<unk>", "<s>", "</s>", *"abcwordse<>/x12.'▁é", "ab", "abc", "▁a", "▁ab", "▁▁", "12", "▁12"]
PIECE_MERGES = [["a", "b"], ["ab", "c"], ["▁", "ab"], ["▁", "a"], ["▁", "▁"], ["1", "2"], ["▁", "12"]]
MARKED = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
UNMARKED = sequence("decoders", {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"})
STRIPPED = sequence("decoders", *UNMARKED["decoders"], {"type": "Strip", "content": " ", "start": 1, "stop": 0})
METASPACE = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
WITH_BYTES = PIECES + [f"<0x{i:02X}>" for i in range(256)]
PIECE_MODEL = {**BPE, "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True}

BASES = {
    "bytes": file(BPE, ids(BYTES), BYTE_MERGES, pre_tokenizer=byte_level(), decoder=byte_level()),
    "bytes, digits": file(
        {**BPE, "ignore_merges": True},
        ids(BYTES),
        BYTE_MERGES,
        pre_tokenizer=sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level()),
        decoder=byte_level(),
    ),
    "bytes, llama3": file(
        BPE,
        ids(BYTES),
        [" ".join(merge) for merge in BYTE_MERGES],
        normalizer={"type": "Lowercase"},
        pre_tokenizer=sequence("pretokenizers", split(LLAMA3), byte_level(use_regex=False)),
        decoder=byte_level(),
    ),
    "pieces, prepended": file(
        PIECE_MODEL,
        ids(WITH_BYTES),
        PIECE_MERGES,
        normalizer=sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, MARKED),
        decoder=STRIPPED,
    ),
    "pieces, replaced": file(PIECE_MODEL, ids(WITH_BYTES), PIECE_MERGES, normalizer=MARKED, decoder=UNMARKED),
    "pieces, split": file({**PIECE_MODEL, "byte_fallback": False}, ids(PIECES), PIECE_MERGES, pre_tokenizer=METASPACE, decoder=METASPACE),
    "words": file({"type": "WordLevel", "unk_token": "<unk>"}, ids(["<unk>", "ab", "abc", "12", "a", "."]), None, pre_tokenizer={"type": "WhitespaceSplit"}),
    "unigram": file(
        {"type": "Unigram", "unk_id": 0, "byte_fallback": False},
        [[token, -float(i)] for i, token in enumerate(["<unk>", *"▁abc12.'", "▁ab", "ab", "▁12"])],
        None,
        pre_tokenizer=METASPACE,
        decoder=METASPACE,
    ),
}
BYTE_BASES = [name for name in BASES if name.startswith("bytes")]


def template(*tokens, start):
    parts = [{"Sequence": {"id": "A", "type_id": 0}} if token is None else {"SpecialToken": {"id": token, "type_id": 0}} for token in tokens]
    known = {token: {"id": token, "ids": [start[token]], "tokens": [token]} for token in tokens if token is not None}
    return {"type": "TemplateProcessing", "single": parts, "pair": parts, "special_tokens": known}


def around(base):
    """The file of a base that puts <s> and </s> around a text."""
    value = BASES[base]
    vocab = value["model"]["vocab"]
    known = {token["content"]: token["id"] for token in value["added_tokens"]} | ({} if isinstance(vocab, list) else vocab)
    return {"post_processor": template("<s>", None, "</s>", start=known)}


DECODER = {
    "90": {"content": "<extra>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False, "special": False},
    "7": {"content": "<own>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": True, "special": True},
    "100": {"content": "word", "lstrip": False, "normalized": True, "rstrip": False, "single_word": True, "special": False},
}
NAMED = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
STRIPS = {"content": "<s>", "lstrip": True, "normalized": False, "rstrip": True, "single_word": False, "special": True}
STRIPS_HERE = {"__type": "AddedToken", **STRIPS}


def conf(**fields):
    return {"tokenizer_config.json": fields}


# Each is (the bases that it stands with, fields of tokenizer.json by base, other files).
VARIANTS = {
    "around": (around, {}),
    "named": (around, conf(**NAMED)),
    "named, none": (None, conf(bos_token=None, eos_token=None, pad_token=None, mask_token=None)),
    "named, in the vocabulary": (None, conf(eos_token="ab", pad_token="ab", sep_token="[PAD]", mask_token="abc")),
    "named, as objects": (None, conf(bos_token=STRIPS_HERE, eos_token={**STRIPS_HERE, "content": "<eos>", "special": False})),
    "add_bos_token, add_eos_token": (None, conf(add_bos_token=True, add_eos_token=True, **NAMED)),
    "add_bos_token: false": (around, conf(add_bos_token=False, **NAMED)),
    "add_prefix_space": (None, conf(add_prefix_space=True)),
    "add_prefix_space: false": (None, conf(add_prefix_space=False)),
    "legacy": (None, conf(legacy=True)),
    "legacy: false": (None, conf(legacy=False)),
    "add_prefix_space: null": (None, conf(add_prefix_space=None)),
    "extra_special_tokens": (None, conf(extra_special_tokens=["<extra>", "<own>", "word"], additional_special_tokens=["<map>"])),
    "extra_special_tokens by name": (None, conf(extra_special_tokens={"image_token": "<image>"}, map_token="<map>")),
    "additional_special_tokens": (None, conf(additional_special_tokens=["<extra>", "ab"], extra_special_tokens=[])),
    "added_tokens_decoder": (around, conf(added_tokens_decoder=DECODER, eos_token="<own>")),
    "added_tokens_decoder, and a map": (None, {**conf(added_tokens_decoder={}), "special_tokens_map.json": {"bos_token": "<bos>"}}),
    "special_tokens_map.json": (
        None,
        {
            **conf(bos_token="<s>", extra_special_tokens=["<extra>"]),
            "special_tokens_map.json": {"bos_token": "<bos>", "eos_token": {**STRIPS, "content": "<eos>"}, "extra_special_tokens": ["<map>"], "pad_token": "[PAD]"},
        },
    ),
    "special_tokens_map.json, additional": (None, {"special_tokens_map.json": {"additional_special_tokens": ["<map>", "word"]}}),
    "added_tokens.json": (None, {**conf(pad_token="[PAD]"), "added_tokens.json": {"<map>": 99, "[PAD]": 98, "word": 97}}),
    "padding": (lambda base: {"padding": {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 3, "pad_type_id": 0, "pad_token": "[PAD]"}}, {}),
    "gaps": (lambda base: {"added_tokens": [added("<pad>", 300), added("<s>", 200, lstrip=True), added("<own>", 150, special=False), added("ab", 400, special=False, normalized=False)]}, {}),
    "auto_map": (None, conf(auto_map={"AutoTokenizer": [None, "tokenization_own.OwnTokenizer"]})),
}


def folder_of(model_type, tokenizer_class, base, variant):
    """The files of a case. A class that starts with config: stands in config.json."""
    parts, files = VARIANTS[variant] if variant else (None, {})
    files = json.loads(json.dumps(files))
    own = {**BASES[base], **(parts(base) if parts else {})}
    config = files.pop("tokenizer_config.json", {})
    model = {} if model_type is None else {"model_type": model_type}
    if tokenizer_class is not None and tokenizer_class.startswith("config:"):
        model["tokenizer_class"] = tokenizer_class.removeprefix("config:")
    elif tokenizer_class is not None:
        config["tokenizer_class"] = tokenizer_class
    return {**files, "tokenizer.json": own, "tokenizer_config.json": config, **({"config.json": model} if model else {})}


def attempt(run):
    try:
        return run()
    except Exception:  # a tokenizer may fail in any way
        return None


def rows_of(case):
    with tempfile.TemporaryDirectory() as place:
        for name, value in folder_of(*case).items():
            Path(place, name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        tokenizer = attempt(lambda: AutoTokenizer.from_pretrained(place))
        if tokenizer is None:
            return None
        special = [getattr(tokenizer, f"{name}_token_id", None) for name in ("bos", "eos", "pad", "unk")]
        return [special, *(attempt(lambda: row(tokenizer, text)) for text in TEXTS)]


def row(tokenizer, text):
    # Not tokenizer(), which pads and cuts as the file says.
    full = tokenizer.encode(text)
    decoded = [tokenizer.decode(full, skip_special_tokens=skip) for skip in (False, True)]
    return [tokenizer.encode(text, add_special_tokens=False), full, *decoded]


# Those whose __init__ takes no null for add_prefix_space.
STRICT = {"GPT2Tokenizer", "GPTNeoXTokenizer", "CohereTokenizer"}


def cases():
    for model_type in MODEL_TYPES:
        for tokenizer_class in CLASSES:
            for base in ("bytes, digits", "pieces, replaced") if model_type not in ("llama", "qwen2", "gemma3_text") else BASES:
                yield [model_type, tokenizer_class, base, ""]
    for variant in VARIANTS:
        for tokenizer_class in ("TokenizersBackend", "LlamaTokenizer", "GemmaTokenizer", "Qwen2Tokenizer", "Qwen3_5Tokenizer", "GPT2Tokenizer", "GPTNeoXTokenizer", "CohereTokenizer"):
            if variant == "add_prefix_space: null" and tokenizer_class in STRICT:
                continue
            for base in ("bytes, llama3", "pieces, prepended"):
                yield ["llama", tokenizer_class, base, variant]
        yield ["qwen2", "LlamaTokenizerFast", "bytes, digits", variant]
        yield ["gemma3_text", None, "pieces, split", variant]
        yield ["mistral", "LlamaTokenizer", "pieces, prepended", variant]
        yield ["llama", None, "words", variant]
        yield ["llama", None, "unigram", variant]
    for model_type in ("llama", "qwen2", "qwen3", "mistral"):
        for tokenizer_class in ("config:GPT2TokenizerFast", "config:LlamaTokenizer", "config:PreTrainedTokenizerFast"):
            yield [model_type, tokenizer_class, "bytes, digits", ""]
    for tokenizer_class in ("Qwen2Tokenizer", "LlamaTokenizer", "GPT2TokenizerFast", "OwnTokenizer"):
        for model_type in ("llama", "qwen2", "qwen3", "phi3"):
            yield [model_type, tokenizer_class, "bytes, digits", "auto_map"]


def classes():
    """Each tokenizer class of transformers, and whether it uses tokenizer.json as it is."""
    names = set()
    for path in Path(transformers.__file__).parent.glob("models/*/tokenization_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            defined = [node] if isinstance(node, ast.ClassDef) else getattr(node, "targets", [])
            names |= {name for each in defined if (name := getattr(each, "name", getattr(each, "id", "")))}
    result = {}
    for name in sorted(name for name in names - {"AutoTokenizer"} if name.endswith("Tokenizer")):
        found = tokenizer_class_from_name(name)
        if found is not None:
            result[name] = isinstance(found, type) and issubclass(found, TokenizersBackend) and all(
                "__init__" not in each.__dict__ for each in found.__mro__[: found.__mro__.index(TokenizersBackend)]
            )
    return result


def digest(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def main():
    listed = list(cases())
    if sys.argv[1] == "show":
        print(json.dumps(rows_of(listed[int(sys.argv[2])]), ensure_ascii=False))
        return
    hashes = {}
    for case in listed:
        model_type, tokenizer_class, base, variant = (name or "" for name in case)
        rows = rows_of(case)
        of_class = hashes.setdefault(model_type, {}).setdefault(tokenizer_class, {})
        of_class.setdefault(variant, {})[base] = "-" if rows is None else digest(rows)
    variants = {
        name: {"parts": {base: parts(base) for base in BASES} if parts is around else parts("") if parts else {}, "files": files}
        for name, (parts, files) in VARIANTS.items()
    }
    result = {"texts": TEXTS, "bases": BASES, "variants": variants, "classes": classes(), "cases": hashes}
    json.dump(result, open(sys.argv[1], "w", encoding="utf-8"), ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
