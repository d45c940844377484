"""Compares what llama.cpp computes from GGUF files with what Ponder computed: see write-gguf.ts.

  python check_gguf.py OUT        needs requirements-gguf.txt; by hand

For each case: whether llama.cpp makes the same ids of the text, renders the same text by the file's chat
template, and writes the same tokens greedily.
"""
import json
import sys
import urllib.request
from pathlib import Path

import xllamacpp

folder = Path(sys.argv[1])


def ask(address, path, body):
    request = urllib.request.Request(address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request).read())


def open_server(path):
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = 256
    params.n_parallel = 1
    params.warmup = False
    params.verbosity = -1
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return xllamacpp.Server(params)


wrong = 0
file = server = None
for case in json.loads((folder / "cases.json").read_text()):
    if case["file"] != file:
        file = case["file"]
        server = open_server(folder / file)
    address = server.listening_address
    count = len(case["greedy"])
    ids = ask(address, "/tokenize", {"content": case["text"], "add_special": False, "parse_special": True})["tokens"]
    text = ask(address, "/apply-template", {"messages": [{"role": "user", "content": case["question"]}]})["prompt"]
    sampling = {"temperature": 0, "samplers": ["temperature"], "n_predict": count, "return_tokens": True}
    greedy = ask(address, "/completion", {"prompt": case["ids"], **sampling})["tokens"]
    same = sum(a == b for a, b in zip(greedy, case["greedy"]))
    wrong += ids != case["ids"] or text != case["text"] or greedy != case["greedy"]
    word = lambda good: "same" if good else "OTHER"
    print(f"{file:30} {case['question'][:20]:20} ids {word(ids == case['ids'])}, template {word(text == case['text'])}, {same} of {count} tokens the same")
sys.exit(wrong > 0)
