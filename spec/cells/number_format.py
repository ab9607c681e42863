"""How numbers are written in texts: decimal comma, thousands separators, currency and percent signs.

The rules are regular expressions of RE2, which Arrow and TensorFlow read alike. Plain Python, no TensorFlow.
"""

import re
from dataclasses import dataclass

BLANK = "[ \u00a0\u2000-\u200a\u202f]"
"""A blank between digits, as typesetters and spreadsheets write it."""
MINUS = "\u2212"
_SEPARATORS = {"": "", ",": ",", ".": "[.]", " ": BLANK, "'": "['\u2019]", "_": "_"}
PARENTHESES = "()"
"""The unit that stands for a negative number in parentheses, as in accounts."""


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written.

    Attributes:
        decimal: "." or ",".
        thousands: What divides groups of digits; "" for nothing, " " for a blank of any kind, "'" for both
            kinds of apostrophes.
        units: Signs before or after a number that are removed; PARENTHESES makes a number in parentheses negative.
    """

    decimal: str = "."
    thousands: str = ""
    units: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether numbers are written as programs write them."""
        return self == PLAIN

    @property
    def pattern(self) -> str:
        """A regular expression that matches a whole number text; groups: two signs and the digits."""
        point, separator = _SEPARATORS[self.decimal], _SEPARATORS[self.thousands]
        grouped = rf"\d{{1,3}}(?:{separator}\d{{2,3}})*{separator}\d{{3}}|" if separator else ""
        digits = rf"(?:{grouped}\d+)(?:{point}\d*)?|{point}\d+"
        units = "|".join(quoted(unit) for unit in self.units if unit != PARENTHESES)
        unit = f"(?:{BLANK}*(?:{units}){BLANK}*)" if units else ""
        sign = rf"([+\-{MINUS}])"
        signs = f"(?:{sign}{unit}?|{unit}{sign}?)?" if unit else f"{sign}?()"
        after = f"{unit}?" if unit else ""
        return rf"^{signs}((?:{digits})(?:[eE][+-]?\d+)?){after}$"

    @property
    def in_parentheses(self) -> bool:
        """Whether a number in parentheses is a negative one."""
        return PARENTHESES in self.units

    def steps(self) -> list[tuple[str, str]]:
        """Substitutions that make a text that the pattern matches one that any program reads."""
        steps = [(MINUS, "-"), (self.pattern, r"\1\2\3"), (r"^\+", "")]
        if self.thousands:
            steps.append((_SEPARATORS[self.thousands], ""))
        if self.decimal != ".":
            steps.append((_SEPARATORS[self.decimal], "."))
        return steps

    def __str__(self) -> str:
        """Keys of data.csv that say it."""
        keys = {"decimal": f'"{self.decimal}"', "thousands": f'"{self.thousands}"' if self.thousands else ""}
        if self.units:
            keys["units"] = "[" + ", ".join(f'"{unit}"' for unit in self.units) + "]"
        return ", ".join(f"{key} = {value}" for key, value in keys.items() if value)


PLAIN = NumberFormat()
"""Numbers as programs write them."""


def quoted(text: str) -> str:
    """A text as a regular expression of RE2."""
    return re.sub(r"([^\w])", lambda match: f"\\x{{{ord(match[1]):x}}}", text)
