"""Word counts of texts, in scripts with or without spaces between words."""

import re

UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]+"
)
"""Characters of Thai, Lao, Burmese, Khmer, Japanese and Chinese."""


def words(text: str) -> int:
    """Count the words of a text; without spaces each pair of characters is one, as in text features."""
    return len(text.split()) + sum(len(run) - 1 for run in UNSPACED.findall(text))
