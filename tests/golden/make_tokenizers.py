"""Small tokenizers in the forms that tokenizer.json takes, and what the library tokenizers makes of texts.

  python make_tokenizers.py OUT.json       needs tokenizers==0.23.3; run once, by hand

OUT.json: texts; models (of several forms); forms: name -> {json (a tokenizer.json, whose model is a
number), rows, fragments}. Rows are hashes, one a text, of [ids, ids with special tokens, text decoded
from the latter, the same without special tokens]. Fragments are what a model may write: [ids, text,
text without special tokens]. A hash is the first 8 digits of the sha256 of the JSON.
"""
import hashlib
import json
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

LEARN = [
    "the cat is red , the dog is blue . Hello world ! it's we're don't 'll",
    "x != y , a . b ; one two three 123 456 7890  and   spaces\tand\nlines\n\n",
    "naïve café Ünïcödé straße 東京 は 日本 の 首都 です привет мир مرحبا नमस्ते 한국어 🙂",
] * 20
TEXTS = [
    "", " ", "  ", "hello world", " the  cat", "The CAT is Red.", "it's we're I'LL don't 's", "a\n\n b\t\tc\r\nd \n", "123456 7890 1.5e-3 x²½",
    "é e\u0301 ﬁ Å ｆｕｌｌ ①", "東京は日本の首都です。", "привет, мир! مرحبا नमस्ते 한국어", "🙂 👩‍👩‍👧 🇮🇹 \u200d\ufe0f", "\u00a0nbsp\u2003em\u3000ideographic\ufeffbom\x85nel\u2028ls",
    "a\u0000b\x07c\x7f", "if (x != y) { return f(a[i], '\"'); } // ok", "    def f():\n        pass\n", "<s>hi</s> <|eot|>x<|eot|> </think>y<pad>", "word swordfish word. wordword (word) words",
    "LL x  RR  y", "x LL  LL RR RR", "ABC abc Abc", "unreachable words qqq ŋ", "ſ K İ ı ß ẞ", "▁under▁score _ __", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " + "z" * 120, "\n", "a  ", "«quoted» – dash—em… “x”",
    "Ａ１　㎏ Ⅳ", "ก็ไม่รู้ ภาษาไทย", "\ud7ff\ue000\U0010ffff", "don't stop ... !!! ???", "e\u0301e\u0301 \u1100\u1161 \uac00", "1 234 567,89", "https://a.b/c?d=e&f#g", "\t\ttabs  \t mixed", "don’t ‘quote’",
]
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
SPECIAL = ["<s>", "</s>", "<pad>", "<unk>", "<|eot|>"]


def special(tokenizer, extra=()):
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.add_tokens([AddedToken("</think>", normalized=False), *extra])
    return tokenizer


def bpe(pre, size=330, decoder=None, normalizer=None, extra=(), alphabet=True, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoder or decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    initial = pre_tokenizers.ByteLevel.alphabet() if alphabet else []
    first = [options["unk_token"]] if "unk_token" in options else []
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=initial, special_tokens=first, show_progress=False, **suffix(options)
    )
    tokenizer.train_from_iterator(LEARN, trainer)
    return special(tokenizer, extra)


def suffix(options):
    return {name: options[name] for name in ("end_of_word_suffix",) if name in options}


def byte_level(regex=None, **options):
    if regex is None:
        return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, **options})
    split = pre_tokenizers.Split(Regex(regex), "isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def spm(scheme, decoder=None, split=False):
    """As Llama 2 and Gemma have it: byte fallback, and a mark for the space."""
    plain = Tokenizer(models.BPE(unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Metaspace()
    plain.train_from_iterator(LEARN, trainers.BpeTrainer(vocab_size=160, show_progress=False))
    model = json.loads(plain.to_str())["model"]
    vocab = {t: i for i, t in enumerate(["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)])}
    for token in sorted(model["vocab"], key=model["vocab"].get):
        vocab.setdefault(token, len(vocab))
    merges = [tuple(m) for m in model["merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if scheme == "prepend":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    elif scheme == "replace":
        tokenizer.normalizer = normalizers.Replace(" ", "▁")
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", scheme, split=split)
    strip = [decoders.Strip(" ", 1, 0)] if scheme != "replace" else []
    tokenizer.decoder = decoder or decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    return special(tokenizer)


def unigram(scheme="always", normalizer=None, **options):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    trainer = trainers.UnigramTrainer(vocab_size=150, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(LEARN, trainer)
    vocab = [tuple(x) for x in json.loads(tokenizer.to_str())["model"]["vocab"]]
    if options.get("byte_fallback"):
        vocab += [(f"<0x{i:02X}>", 0.0) for i in range(256)]
    tokenizer = Tokenizer(models.Unigram(vocab, 0, **options))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    if normalizer:
        tokenizer.normalizer = normalizer
    return special(tokenizer)


def word_piece(normalizer, pre, cleanup=True):
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(LEARN, trainer)
    tokenizer.decoder = decoders.WordPiece(cleanup=cleanup)
    return special(tokenizer)


def processed(tokenizer, processor):
    tokenizer.post_processor = processor
    return tokenizer


def bos(tokenizer, end=False):
    ids = [(t, tokenizer.token_to_id(t)) for t in ["<s>", "</s>"]]
    template = "<s> $A </s>" if end else "<s> $A"
    return processed(tokenizer, processors.TemplateProcessing(single=template, special_tokens=ids))


def edited(tokenizer, edit):
    value = json.loads(tokenizer.to_str())
    edit(value)
    return Tokenizer.from_str(json.dumps(value))


def merges_as_text(value):
    value["model"]["merges"] = [" ".join(m) for m in value["model"]["merges"]]


def unreachable(value):
    value["model"]["vocab"]["Ġwords"] = max(value["model"]["vocab"].values()) + 100


def strip(content, **options):
    return AddedToken(content, normalized=False, **options)


FORMS = {
    "llama3": lambda: bos(bpe(byte_level(LLAMA3))),
    "llama3, merges as texts": lambda: edited(bpe(byte_level(LLAMA3)), merges_as_text),
    "llama3, merges ignored": lambda: edited(bpe(byte_level(LLAMA3), ignore_merges=True), unreachable),
    "llama3, merges not ignored": lambda: edited(bpe(byte_level(LLAMA3)), unreachable),
    "qwen2": lambda: bpe(byte_level(QWEN2), normalizer=normalizers.NFC()),
    "gpt2": lambda: processed(bpe(byte_level()), processors.ByteLevel(trim_offsets=True)),
    "gpt2 with a prefix space": lambda: bpe(byte_level(add_prefix_space=True)),
    "digits": lambda: bpe(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()])),
    "digits together": lambda: bpe(pre_tokenizers.Sequence([pre_tokenizers.Digits(), byte_level()])),
    "three splits": lambda: bpe(
        pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated"),
                pre_tokenizers.Split(Regex(r"[一-龥぀-ゟ゠-ヿ]+"), "isolated"),
                pre_tokenizers.Split(Regex(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    ),
    "added tokens that strip": lambda: bpe(byte_level(LLAMA3), extra=[strip("LL", lstrip=True), strip("RR", rstrip=True)]),
    "added tokens that are words": lambda: bpe(byte_level(LLAMA3), extra=[strip("word", single_word=True), strip("東京", single_word=True)]),
    "added tokens, normalised": lambda: bpe(
        byte_level(), normalizer=normalizers.Lowercase(), extra=[AddedToken("ABC", normalized=True), AddedToken("Red", normalized=True, single_word=True)]
    ),
    "added tokens with spaces": lambda: bpe(byte_level(), extra=[strip("  "), strip("\n\n"), strip("é"), strip("東")]),
    "llama2": lambda: bos(spm("prepend")),
    "llama2, added and normalised": lambda: added(spm("prepend"), [AddedToken("LL", normalized=True), AddedToken("def", normalized=True, single_word=True)]),
    "metaspace first": lambda: spm("first"),
    "metaspace always": lambda: spm("always"),
    "metaspace never": lambda: spm("never"),
    "metaspace, split": lambda: spm("first", split=True),
    "gemma": lambda: bos(spm("replace")),
    "metaspace decoder": lambda: spm("always", decoders.Metaspace()),
    "metaspace decoder, never": lambda: spm("never", decoders.Metaspace(prepend_scheme="never")),
    "unigram": lambda: bos(unigram(), end=True),
    "unigram, first": lambda: unigram("first"),
    "unigram, bytes": lambda: unigram(byte_fallback=True),
    "unigram, normalised": lambda: unigram(
        normalizer=normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip(left=False)])
    ),
    "bert": lambda: bos(word_piece(normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()), end=True),
    "bert, cased": lambda: word_piece(normalizers.BertNormalizer(lowercase=False, strip_accents=True), pre_tokenizers.BertPreTokenizer(), cleanup=False),
    "word pieces": lambda: word_piece(
        normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase()]), pre_tokenizers.Whitespace()
    ),
    "white space": lambda: bpe(pre_tokenizers.WhitespaceSplit(), alphabet=False, size=160, decoder=decoders.BPEDecoder(suffix="</w>"), end_of_word_suffix="</w>", unk_token="<unk>"),
    "punctuation": lambda: bpe(
        pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.WhitespaceSplit(), byte_level(use_regex=False)])
    ),
    "no byte level": lambda: bpe(pre_tokenizers.Split(Regex(r"\w+|\s|[^\w\s]"), "isolated"), alphabet=False, size=150, decoder=decoders.Fuse(), unk_token="<unk>", fuse_unk=True),
    "split, removed": lambda: bpe(pre_tokenizers.Sequence([pre_tokenizers.Split(" ", "removed"), byte_level(use_regex=False)])),
    "split, merged": lambda: bpe(pre_tokenizers.Sequence([pre_tokenizers.Split(" ", "merged_with_next"), pre_tokenizers.Split(Regex("[.,]"), "merged_with_previous"), byte_level(use_regex=False)])),
    "truncation": lambda: truncated(bpe(byte_level())),
}


def added(tokenizer, tokens):
    tokenizer.add_tokens(tokens)
    return tokenizer


def truncated(tokenizer):
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=8, pad_id=2, pad_token="<pad>")
    return tokenizer


def digest(value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def main(out):
    rng = random.Random(7)
    forms, models_used = {}, []
    for name, make in FORMS.items():
        tokenizer = make()
        value = json.loads(tokenizer.to_str())
        if value["model"] not in models_used:
            models_used.append(value["model"])
        value["model"] = models_used.index(value["model"])
        # transformers, too, ignores what a file says of truncation and padding.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        rows = []
        for one in TEXTS:
            plain = tokenizer.encode(one, add_special_tokens=False).ids
            full = tokenizer.encode(one).ids
            decoded = [tokenizer.decode(full, skip_special_tokens=skip) for skip in (False, True)]
            rows.append(digest([plain, full, *decoded]))
        count = tokenizer.get_vocab_size()
        drawn = [[rng.randrange(count) for _ in range(12)] for _ in range(6)]
        fragments = [[ids, *(tokenizer.decode(ids, skip_special_tokens=skip) for skip in (False, True))] for ids in drawn]
        forms[name] = {"json": value, "rows": rows, "fragments": fragments}
    result = {"texts": TEXTS, "models": models_used, "forms": forms}
    json.dump(result, open(out, "w"), ensure_ascii=False, separators=(",", ":"))


main(sys.argv[1])
