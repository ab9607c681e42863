"""Formats of numbers in text: decimal comma, thousands separators, currency and percent signs.

The rules are regular expressions of RE2, for Arrow and TensorFlow alike. Plain Python, no TensorFlow.
"""

import re
from dataclasses import dataclass

BLANK = "[ \u00a0\u2000-\u200a\u202f]"
"""Spaces between digits, as typesetters and spreadsheets write them."""
MINUS = "\u2212"
"""The minus sign of typesetters, which programs do not read: a format that is not the default accepts it as minus."""
_SEPARATORS = {"": "", ",": ",", ".": "[.]", " ": BLANK, "'": "['\u2019]", "_": "_"}
PARENTHESES = "()"
"""The unit that makes a number in parentheses negative, as in accounting."""
TRAILING_MINUS = "-"
"""The unit that lets a sign stand after its number, as SAP and COBOL programs write it: 12- and 12+."""

IN_PARENTHESES = r"^\((.*)\)$"
SIGN_IN_PARENTHESES = f"^[(].*[+{MINUS}-].*[)]$"
NOT_FINITE = r"^(?i:nan|[+-]?inf(?:inity)?)$"


@dataclass(frozen=True)
class NumberFormat:
    """Format of numbers.

    Attributes:
        decimal: "." or ",".
        thousands: Separator of groups of digits; "" for none, " " for a space of any kind, "'" for both
            kinds of apostrophes.
        units: Symbols before or after a number that are removed; PARENTHESES makes a number in parentheses negative,
            TRAILING_MINUS lets the sign stand after a number. MINUS lets numbers with this sign be read.
    """

    decimal: str = "."
    thousands: str = ""
    units: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether the format is the default, as programs write numbers."""
        return self == PLAIN

    @property
    def pattern(self) -> str:
        """A regular expression that matches a complete number; groups: two signs, the digits; digits, a sign."""
        point, separator = _SEPARATORS[self.decimal], _SEPARATORS[self.thousands]
        fraction = rf"(?:{point}\d*)?"
        # 0,043 has a decimal comma, and no number has both separators of thousands and an exponent.
        grouped = rf"[1-9]\d{{0,2}}(?:{separator}\d{{2,3}})*{separator}\d{{3}}{fraction}|" if separator else ""
        digits = rf"{grouped}(?:\d+{fraction}|{point}\d+)(?:[eE][+-]?\d+)?"
        units = "|".join(quoted(unit) for unit in self.units if unit not in (PARENTHESES, MINUS, TRAILING_MINUS))
        unit = f"(?:{BLANK}*(?:{units}){BLANK}*)" if units else ""
        sign = r"([+\-])" if self.plain else rf"([+\-{MINUS}])"
        signs = f"(?:{sign}{unit}?|{unit}{sign}?)?" if unit else f"{sign}?()"
        any_unit = f"{unit}?" if unit else ""
        leading = rf"{signs}({digits}){any_unit}"
        if TRAILING_MINUS not in self.units:
            return f"^{leading}$"
        return rf"^(?:{leading}|{any_unit}({digits}){any_unit}([+\-{MINUS}]){any_unit})$"

    @property
    def in_parentheses(self) -> bool:
        """Whether a number in parentheses is negative."""
        return PARENTHESES in self.units

    def steps(self) -> list[tuple[str, str]]:
        """Return the substitutions that convert matching text to a plain number."""
        rewrite = r"\5\1\2\3\4" if TRAILING_MINUS in self.units else r"\1\2\3"
        steps = [(MINUS, "-"), (self.pattern, rewrite), (r"^\+", "")]
        if self.thousands:
            steps.append((_SEPARATORS[self.thousands], ""))
        if self.decimal != ".":
            steps.append((_SEPARATORS[self.decimal], "."))
        return steps

    def __str__(self) -> str:
        """Return the format as keys of data.csv."""
        keys = {"decimal": f'"{self.decimal}"', "thousands": f'"{self.thousands}"' if self.thousands else ""}
        if self.units:
            keys["units"] = "[" + ", ".join(f'"{unit}"' for unit in self.units) + "]"
        return ", ".join(f"{key} = {value}" for key, value in keys.items() if value)


PLAIN = NumberFormat()
"""Numbers as programs write them."""


def quoted(text: str) -> str:
    """Escape text for a regular expression of RE2."""
    return re.sub(r"([^\w])", lambda match: f"\\x{{{ord(match[1]):x}}}", text)
