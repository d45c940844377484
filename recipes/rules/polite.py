# polite.js for TRL and verl.
import re
import sys
import unicodedata

KIND = re.compile(
    r"\b(please|thanks|thank you|glad|happy to|hope|enjoy|you're welcome|how about)\b", re.IGNORECASE | re.ASCII
)
UPPER = "".join(c for c in map(chr, range(sys.maxunicode)) if unicodedata.category(c) == "Lu")
SHOUTING = re.compile(rf"\b[{UPPER}]{{4,}}\b|!!", re.ASCII)
SOMETHING = re.compile("[^\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]")


def reward(prompt, response, row):
    if not SOMETHING.search(response):
        return 0
    return (0.5 if KIND.search(response) else 0) + (0 if SHOUTING.search(response) else 0.5)
