"""A guess of the encoding of a text that is not Unicode, by the letters of the languages that it may be written in."""

import codecs
import collections
import contextlib
import itertools
import re

_MOSTLY = 0.8
"""Share of the characters beyond ASCII that are letters in a text of this encoding."""
_NEARLY_ALL = 0.95
"""Share of the letters beyond ASCII that belong to a script."""
_OWN = 0.85
"""Share of the letters beyond ASCII that belong to a language; the others are names from elsewhere."""
_WORDS = 0.8
"""Share of the letters of a script that stand next to another one."""
_FREQUENT = 0.5
"""Share of the frequent letters of a language: about 0.7 in its texts, and a third if letters are mixed up."""
_DISTINCT = 3
"""Smallest number of distinct letters beyond ASCII that show a language with Latin letters."""
_TOUCHING = 0.2
"""Largest share of words of another script that touch a letter of ASCII."""
_KANA_SHARE = 0.2
"""Share of Japanese syllables in a text."""
_KANA, _KANA_ROWS, _HANGUL_ROWS = re.compile("[\u3040-\u30ff]"), range(0xA4, 0xA6), range(0xB0, 0xC9)
_JAPANESE = re.compile("[\u3005\u4e00-\u9fff\u3040-\u30ff]+")
"""A word in Japanese characters: syllables, or characters from Chinese."""
_SIGNS = (
    "\u00a0\u00a7\u00a9\u00ab\u00ae\u00b0\u00b7\u00bb\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2026\u20ac\u2122"
)
"""Signs that may touch a letter."""
_RAISED = re.compile(rb"m[\xb2\xb3](?![a-z\x80-\xff])")
"""Square and cubic metres, whose digits are letters in Central Europe."""
_IN_WORD = re.compile("[a-zA-Z][\u00a2\u00a4\u201a\u201d\u201e][a-zA-Z]")
"""A sign of Windows inside a word, which is a letter of DOS."""
_CENTRAL = (
    ("ąćęłńóśźż", ("łąż",)),
    ("áčďéěíňóřšťúůýž", ("řě", "šžýáí")),
    ("áäčďéíľĺňóôŕšťúýž", ("ľť", "šžýáíč")),
    ("áéíóöőúüű", ("őű", "á", "öü")),
    ("čćđšž", ("čćđ", "šž")),
)
"""Polish, Czech, Slovak, Hungarian, South Slavic: letters beyond ASCII, and groups that each occur in a text."""
_LATIN = (("cp1250", _CENTRAL), ("iso8859_2", _CENTRAL), ("cp1254", (("çğıöşüâî", ("ğış", "üç")),)))
"""Encodings of languages with Latin letters, most likely first; the last one is that of Turkish."""
_CYRILLIC, _GREEK = "оеаинтсрвлкі", "αοιετσνης"
_SCRIPTS = (
    ("cp1251", "\u0400-\u04ff", _CYRILLIC),
    ("koi8_r", "\u0400-\u04ff", _CYRILLIC),
    ("cp866", "\u0400-\u04ff", _CYRILLIC),
    ("cp1253", "\u0370-\u03ff", _GREEK),
)
"""Encodings of other scripts, their letters, and the most frequent ones."""
GUESSES = (
    *("cp1252", "shift_jis", "cp850", "gb18030", "euc_kr", "euc_jp"),
    *(encoding for encoding, *_ in (*_LATIN, *_SCRIPTS)),
)
"""Encodings of texts that are not Unicode."""


def guess(head: bytes) -> str:
    """Guess the encoding of a text that is not Unicode.

    Args:
        head: First bytes of the text.

    Returns:
        Python's name of the encoding; cp1252 if none fits.
    """
    return _script(head) or _language(head) or _pairs(head) or _old(head)


def _decoded(head: bytes, encoding: str) -> tuple[str, list[str]]:
    """Return the text and its characters beyond ASCII; nothing if it has another encoding."""
    with contextlib.suppress(UnicodeDecodeError):
        # The last character may be incomplete.
        text = codecs.getincrementaldecoder(encoding)().decode(head)
        return text, [character for character in text if not character.isascii()]
    return "", []


def _script(head: bytes) -> str:
    """Return the encoding of a text in Cyrillic or Greek letters; "" if it has others."""
    shares = {}
    for encoding, letters, frequent in _SCRIPTS:
        text, foreign = _decoded(head, encoding)
        own = [character for character in foreign if re.match(f"[{letters}]", character)]
        # The euro sign of Windows is a Cyrillic letter of DOS, but alone.
        in_words = sum(map(len, re.findall(f"[{letters}]{{2,}}", text)))
        least = _NEARLY_ALL * max(len(own), sum(character not in _SIGNS for character in foreign))
        if not own or in_words < _WORDS * len(own) or len(own) < least:
            continue
        # In KOI8 the letters of Windows are others of the other case.
        touching = re.findall(f"[a-zA-Z][{letters}]|[{letters}][a-zA-Z]", text)
        if len(touching) <= _TOUCHING * len(re.findall(f"[{letters}]+", text)):
            known = sum(character.lower() in frequent for character in own)
            shares[encoding] = (known - len(_raised(text))) / len(own)
    best = max(shares, key=lambda encoding: shares[encoding], default="")
    return best if best and shares[best] >= _FREQUENT else ""


def _raised(text: str) -> list[str]:
    """Return pairs of a small letter and a capital one behind it, which words rarely have."""
    return [pair for pair in map("".join, itertools.pairwise(text)) if pair[0].islower() and pair[1].isupper()]


def _language(head: bytes) -> str:
    """Return the encoding of a Central European or Turkish text; "" if it is in no such language."""
    best, share = "", _OWN
    for encoding, languages in _LATIN:
        text, foreign = _decoded(_RAISED.sub(b"m", head), encoding)
        signs = "".join({character for character in foreign if not character.isalpha()} - {*_SIGNS})
        is_odd = _IN_WORD.search(text) or re.search(rf"[^\W\d_][{re.escape(signs)}\x80-\x9f]", text)
        # The small letter of a Turkish capital is two characters.
        letters = collections.Counter(character.lower()[0] for character in foreign if character.isalpha())
        del letters["i"]
        if len(letters) < _DISTINCT or is_odd or len(_raised(text)) > len(foreign) // 10:
            continue
        for alphabet, groups in languages:
            own = sum(letters[letter] for letter in alphabet) / letters.total()
            if own > share and all(any(letters[letter] for letter in group) for group in groups):
                best, share = encoding, own
    return best


def _pairs(head: bytes) -> str:
    """Return the encoding of a Chinese, Korean or Japanese text in which two bytes are a character; "" for others."""
    runs = re.findall(rb"[\x80-\xff]+", head)
    even = [run for run in runs if len(run) % 2 == 0 and min(run) > 0xA0]
    touching = re.findall(rb"[a-zA-Z][\x80-\xff]|[\x80-\xff][a-zA-Z]", head)
    if not even or len(even) < _NEARLY_ALL * len(runs) or len(touching) > _TOUCHING * len(runs):
        return ""
    # Rows below hold signs, and Latin, Greek and Cyrillic letters.
    rows = [row for run in even for row in run[::2] if row in _KANA_ROWS or row >= _HANGUL_ROWS.start]
    if not rows:
        return ""
    encodings = {"euc_jp": (_KANA_ROWS, _KANA_SHARE), "euc_kr": (_HANGUL_ROWS, _NEARLY_ALL), "gb18030": (range(256), 0)}
    for encoding, (own, share) in encodings.items():
        if sum(row in own for row in rows) >= share * len(rows) and _decoded(head, encoding)[0]:
            return encoding
    return ""


def _kanji(text: str, foreign: list[str]) -> bool:
    """Return whether a text decoded as Shift JIS has Japanese words without syllables, such as names of cities.

    A letter of Western Europe takes the next one with it as a single character, within a word.
    """
    words = _JAPANESE.findall(text)
    touching = re.findall(rf"[a-zA-Z]{_JAPANESE.pattern}|{_JAPANESE.pattern}[a-zA-Z]", text)
    several = sum(len(word) > 1 for word in words)
    in_words = sum(map(len, words)) >= _NEARLY_ALL * len(foreign)
    return bool(words) and in_words and several >= _WORDS * len(words) and len(touching) <= _TOUCHING * len(words)


def _old(head: bytes) -> str:
    """Return the encoding of Japanese or DOS; else that of Windows in Western Europe."""
    text, foreign = _decoded(head, "shift_jis")
    if len(_KANA.findall(text)) > _KANA_SHARE * len(foreign) or _kanji(text, foreign):
        return "shift_jis"
    text, _ = _decoded(head, "cp1252")
    _, foreign = _decoded(head, "cp850")
    is_dos = (not text or _IN_WORD.search(text)) and sum(map(str.isalpha, foreign)) >= _MOSTLY * len(foreign)
    return "cp850" if is_dos else "cp1252"
