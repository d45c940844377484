# on-topic.js for TRL and verl.
import re
import sys
import unicodedata

LETTERS = "".join(c for c in map(chr, range(sys.maxunicode)) if unicodedata.category(c)[0] == "L")
LONG = re.compile(f"[{LETTERS}]{{4,}}")


def reward(prompt, response, row):
    asked = set(LONG.findall(prompt.lower()))
    if not asked:
        return 0
    return len(asked & set(LONG.findall(response.lower()))) / len(asked)
