"""Makes ifeval.json: 1,000 responses of all kinds, and whether lm-eval says that each follows each instruction.

    pip install lm-eval==0.4.13 langdetect==1.0.9 nltk==3.10.4 immutabledict setuptools==65.5.0 --no-deps
    python make_ifeval.py

A response is a list of pieces, so that the file is small. Verdicts are bits, strict then loose, one pair for
each instruction, as hexadecimal digits. Left out: language:response_language, the two rules of English case
(langdetect) and number_sentences (nltk's punkt model).
"""

import json
import random
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

# The rules alone: lm_eval/__init__.py and lm_eval/tasks/__init__.py need many packages that the rules do not.
for name in ("lm_eval", "lm_eval.tasks"):
    package = ModuleType(name)
    package.__path__ = list(find_spec("lm_eval").submodule_search_locations) if name == "lm_eval" else [lm_eval_path + "/tasks"]
    lm_eval_path = package.__path__[0]
    sys.modules[name] = package

import nltk  # noqa: E402

# nltk's models are not needed: words in capitals are counted in the text as one sentence (a full stop that is
# a word of its own, or not, changes no word's case).
nltk.data.find = lambda *_: None
words_of_sentences = nltk.word_tokenize
nltk.word_tokenize = lambda text: words_of_sentences(text, preserve_line=True)

from lm_eval.tasks.ifeval import utils  # noqa: E402

WORDS = ["river", "The", "friend", "NASA", "hello,", "a", "B", "it's", "don't", "I'M", "CAN'T", "naïve", "ÉCOLE", "straße",
         "ǅ", "ﬁ", "42", "3.14", "x_1", "日本", "АБВ", "Ⅷ", "ª", "rivers", "RIVER", "(OK)", "U.S.A.", "e.g.", "O'CLOCK",
         "end", "Any", "questions?", "that", "cannot", "GONNA", "'TIS", "state-of-the-ART", "A--B", "½", "ſame", "K"]
GLUE = [" ", " ", " ", "\n", "\n\n", "  ", "\t", ". ", "! ", "? ", "; ", ", ", "\r\n", "\u00a0", "\u2028", "\x1c", "\x85",
        "\ufeff", "...", "", "\n \n"]
MARKS = ["***", "\n***\n", " *** ", "******", "\n******\n", "* point", "\n* point", "\n- point", "\n  - point", "\n\n*", "\n*\n",
         "\n** two", "*bold*", "**bold**", "* *", "** **", "*a\nb*", "***all***", "[name]", "[a\nb]", "[]", "[[x]]", "<<title>>",
         "<<  >>", "<<<deep>>>", "<<a\n>>", "<<>>", "SECTION 1", "Section 2", "SECTION3", "SECTION ٣", "Day 1", "P.S. more",
         "P. S. more", "p.p.s", "P.P. S", "P.S", "PS", "My answer is yes.", "My answer is no", "My answer is maybe.",
         "Any other questions?", "that is all you need!", '"', "''", "'", "``", "`", "<think>", "</think>", "#", "@home", "50%",
         "—DASH—", "“Quote”", "«OUI»", "…", "Repeat this request", "repeat THIS request"]
WHOLE = ["", " ", "\n", "\x1c", "\ufeff", "*", "**", "\n\n", "\"", "\"\"", "\"quoted\"", " \"quoted\" ", "\"\n\"", "{}", "[]", "null", "NaN",
         "-Infinity", "[Infinity]", "1NaN", "{\"a\": NaN}", "{'a': 1}", "{\"a\": 1,}", "```json\n{\"a\": [1, 2]}\n```",
         "```Json\n{}\n```", "```JSON {} ```", "```jSON {} ```", "```\n[1]\n```", "```json```json\n1\n```", "\"a\nb\"", "01",
         "{\"a\": 1, \"a\": 2}", "\ufeff{}", "1e999", "[1] x", "tru", "\"\\u12\"", "\"NaN\"", "\x85{}\x85", "A******A", "A******B",
         "******A******B******", "A ****** A", "A******B******C", "******", "a***b", "***a***b***", "a******b", "a\n\nb\n\nc", "\n\na\n\nb",
         "a\n\n\nb\n\nc", "'\"river x\n\nb", "\"'river\n\nb", "''river,\n\nb", "river's\n\nb", "RIVER. x\n\ny", "ΑΣ\n\nb", "ΑΣΑ\n\nb", "İ\n\nb", ", x\n\nb",
         "İİİ", "aaaaa", "Repeat this request\nAnswer", "* Repeat this request *", "first\nRepeat this request", "P.S. at start", "Section 1 x Section 2 y", "Section 1Section 2", "Section\u00a01 Section \u0662",
         "HELLO WORLD", "hello world", "HELLO 日本", "123", "ABC ǅ", "“OK”", "OK.", "I.", "A B C D E", "A\nB\nC", "A.B.C.", "(A) [B] {C}",
         "GONNA WANNA GIMME", "CANNOT", "'TWAS", "IT'S", "THEY'LL", "A,B:C", "A,1", "X--Y--Z", "A…B", "N'T", "DON'T STOP", "D'YE",
         "that is all you need!\"", "\"that is all you need!\"", "That Is All You Need! ", "that is all you need!\n* more"]

INSTRUCTIONS = [
    ("keywords:existence", {"keywords": ["river"]}), ("keywords:existence", {"keywords": ["friend", "k"]}),
    ("keywords:existence", {"keywords": ["riv.r"]}), ("keywords:existence", {"keywords": [r"\bthe\b", r"\d"]}),
    ("keywords:frequency", {"keyword": "river", "frequency": 2, "relation": "at least"}),
    ("keywords:frequency", {"keyword": " a ", "frequency": 3, "relation": "less than"}),
    ("keywords:frequency", {"keyword": r"\s", "frequency": 4, "relation": "at least"}),
    ("keywords:forbidden_words", {"forbidden_words": ["river", "friend"]}), ("keywords:forbidden_words", {"forbidden_words": ["na", "s"]}),
    ("keywords:forbidden_words", {"forbidden_words": ["日本", "école"]}),
    ("keywords:letter_frequency", {"letter": "a", "let_frequency": 3, "let_relation": "at least"}),
    ("keywords:letter_frequency", {"letter": "I", "let_frequency": 2, "let_relation": "less than"}),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 1}), ("length_constraints:number_paragraphs", {"num_paragraphs": 2}),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 3}),
    ("length_constraints:number_words", {"num_words": 5, "relation": "at least"}),
    ("length_constraints:number_words", {"num_words": 9, "relation": "less than"}),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "River"}),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "b"}),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 3, "nth_paragraph": 3, "first_word": "c"}),
    ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "ΑΣΑ"}),
    ("detectable_content:number_placeholders", {"num_placeholders": 1}), ("detectable_content:number_placeholders", {"num_placeholders": 2}),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}), ("detectable_content:postscript", {"postscript_marker": "P.P.S"}),
    ("detectable_content:postscript", {"postscript_marker": " PS "}),
    ("detectable_format:number_bullet_lists", {"num_bullets": 1}), ("detectable_format:number_bullet_lists", {"num_bullets": 2}),
    ("detectable_format:constrained_response", {}),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 3}),
    ("detectable_format:multiple_sections", {"section_spliter": "SECTION", "num_sections": 1}),
    ("detectable_format:multiple_sections", {"section_spliter": " Day", "num_sections": 1}),
    ("detectable_format:multiple_sections", {"section_spliter": "Section", "num_sections": 2}),
    ("detectable_format:json_format", {}), ("detectable_format:title", {}), ("combination:two_responses", {}),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Repeat this request "}),
    ("startend:end_checker", {"end_phrase": "that is all you need!"}), ("startend:end_checker", {"end_phrase": " Any other questions? "}),
    ("startend:quotation", {}),
    ("change_case:capital_word_frequency", {"capital_frequency": 1, "capital_relation": "at least"}),
    ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "at least"}),
    ("change_case:capital_word_frequency", {"capital_frequency": 4, "capital_relation": "less than"}),
    ("punctuation:no_comma", {}),
]


def responses(rng):
    """Lists of pieces: the odd whole texts, then mixtures."""
    made = [[text] for text in WHOLE]
    while len(made) < 1000:
        pieces = []
        for _ in range(rng.choice([2, 4, 8, 14])):
            pieces += [rng.choice(MARKS if rng.random() < 0.3 else WORDS), rng.choice(GLUE)]
        if rng.random() < 0.1:
            pieces = ['"', *pieces, '"']
        made.append(pieces)
    return made


def main():
    rng = random.Random(19)
    pieces = list(dict.fromkeys(WORDS + GLUE + MARKS + WHOLE))
    ids = [id for id, _ in INSTRUCTIONS]
    kwargs = [own for _, own in INSTRUCTIONS]
    inp = utils.InputExample(key=0, instruction_id_list=ids, prompt="", kwargs=kwargs)
    cases = []
    for parts in responses(rng):
        text = "".join(parts)
        bits = ""
        for test in (utils.test_instruction_following_strict, utils.test_instruction_following_loose):
            bits += "".join("1" if followed else "0" for followed in test(inp, text).follow_instruction_list)
        cases.append([" ".join(str(pieces.index(part)) for part in parts), f"{int(bits, 2):0{(len(bits) + 3) // 4}x}"])
    golden = {"made_with": "lm-eval 0.4.13, nltk 3.10.4", "instructions": INSTRUCTIONS, "pieces": pieces, "cases": cases}
    path = Path(__file__).with_name("ifeval.json")
    path.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")


main()
