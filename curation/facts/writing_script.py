"""How texts are written: with blanks between words, or without."""

import re

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+"
)
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese."""


def words(text: str) -> int:
    """Words of a text; of a script without blanks each character after the first makes one, as models/ takes pairs."""
    return len(text.split()) + sum(len(run) - 1 for run in UNSPACED.findall(text))
