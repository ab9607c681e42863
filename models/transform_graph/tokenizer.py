"""Tokenizer of texts: words of letters and digits, single emojis, and bigrams in scripts without spaces."""

import tensorflow as tf

_EMOJIS = (
    r"\x{1F000}-\x{1F1E5}\x{1F200}-\x{1F3FA}\x{1F400}-\x{1FAFF}\x{2600}-\x{27BF}\x{2B50}\x{2B55}\x{2B1B}\x{2B1C}"
    r"\x{231A}\x{231B}\x{23E9}-\x{23F3}\x{23F8}-\x{23FA}"
)
"""Pictographs (Unicode's emoji-data.txt, by block), without the letters that make flags and without skin tones."""
_FLAG_LETTERS = r"\x{1F1E6}-\x{1F1FF}"
_EMOJI = rf"([{_FLAG_LETTERS}]{{2}}|[{_EMOJIS}])[\x{{FE0E}}\x{{FE0F}}]?[\x{{1F3FB}}-\x{{1F3FF}}]?"
"""A flag or a pictograph; its presentation and skin tone do not make another token."""
NO_WORD = rf"[^\pL\pM\pN{_FLAG_LETTERS}{_EMOJIS}]+"
"""Separators: neither letters with their combining marks, nor digits, nor emojis."""
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\x{30FC}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts without spaces between words."""
_FIRST, _LAST, _CUT = "\x02", "\x03", "\x04"
"""Control characters, which no text contains after separators were replaced by spaces."""


def split(texts: tf.Tensor) -> tf.RaggedTensor:
    """Split texts, string (batch,), into lower-case tokens, ragged string (batch, tokens)."""
    lowered = tf.strings.lower(texts, encoding="utf-8")
    apart = tf.strings.regex_replace(lowered, _EMOJI, r" \1 ")
    return tf.strings.split(_bigrams(tf.strings.regex_replace(apart, NO_WORD, " ")))


def _bigrams(texts: tf.Tensor) -> tf.Tensor:
    """Replace sequences in scripts without spaces by overlapping pairs; a single character is kept."""
    marked = tf.strings.regex_replace(texts, f"[{_UNSPACED}]+", rf" {_FIRST}\0{_LAST} ")
    # Most texts have none, and skip the passes below.
    place = tf.where(tf.not_equal(marked, texts))
    bigrams = tf.gather_nd(marked, place)
    # abc becomes a ab bc c; the first and the last are not pairs and are removed.
    for pattern, text in (
        (f"[{_UNSPACED}]", r"\0 \0"),
        (f"{_FIRST}[{_UNSPACED}] ", _CUT),
        (f" [{_UNSPACED}]{_LAST}", " "),
        (f"[{_FIRST}{_LAST}{_CUT}]", " "),
    ):
        bigrams = tf.strings.regex_replace(bigrams, pattern, text)
    return tf.tensor_scatter_nd_update(texts, place, bigrams)
