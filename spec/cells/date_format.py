"""Formats of dates in text, and the substitutions that convert them to YYYY-MM-DD.

The substitutions are regular expressions of RE2, for Arrow and TensorFlow alike. What follows the date, such as a time
of day, is kept. Plain Python, no TensorFlow.
"""

import re
from dataclasses import dataclass

ISO = r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
"""A date after the substitutions."""
EPOCHS = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}
"""Format that counts from 1970-01-01 in UTC -> units per second."""
EXCEL = "excel_days"
"""Format that counts days as Excel and Google Sheets store dates; the fraction is the time of day."""
EXCEL_1970 = 25_569
"""1970-01-01 in this format."""
MAX_DAYS = 1e7
"""Days beyond the year 9999, which still fit int64 as seconds."""
MONTHS = (
    *("jan|gen|ene", "feb|fév|fev", "mar|mär|mrz|maa|mrt", "apr|avr|abr", "may|mai|mag|mei|maj", "jun|juin|giu"),
    *("jul|juil|lug", "aug|aoû|aou|ago", "sep|set", "oct|okt|ott|out", "nov", "dec|dez|déc|dic|des"),
)
"""Prefixes of the names of months, in English, German, French, Spanish, Italian, Portuguese, Dutch and Scandinavian."""
_NAME = rf"(?i:{'|'.join(MONTHS)})\pL*\.?"
_TOKENS = {"YYYY": r"\d{4}", "YY": r"\d{2}", "MON": _NAME, "MM": r"0?[1-9]|1[0-2]", "DD": r"0?[1-9]|[12]\d|3[01]"}
_FIXED = {"MM": r"0[1-9]|1[0-2]", "DD": r"0[1-9]|[12]\d|3[01]"}
"""Patterns of the parts without separators."""
_ORDINAL = "(?i:[snrt][tdh]|er)?"
"""What makes a day an ordinal number: January 3rd, 1er janvier."""
_WEEKDAY = r"(?:\pL{2,10}\.?,?\s+)?"
_AT = r"(?:(?i:at|um|à|às|alle|alle ore|a las)\s+)?"
"""A word before the time of day."""
_HOUR, _MINUTE = r"(?:[.]|\s?[hH時时点시]\s?)", r"(?:[.m:]|[分분]\s?)"
CLOCK = rf"\d{{1,2}}{_HOUR}\d{{2}}(?:{_MINUTE}\d{{2}}[s秒초]?|[分분])?$"
"""A time of day that is not hh:mm: 08.30.00 in Italian, 08h30 in French, 8時30分 in Japanese."""
_WRITTEN = "年月日년월일"
"""Words for year, month and day, which stand behind their numbers in Chinese, Japanese and Korean."""
_DAY_OF_WEEK = r"(?:\s?(?:[(\x{ff08}]\pL{1,3}[)\x{ff09}]|(?:星期|周)\pL|\pL曜日|\pL요일))?"
_PARTS = re.compile("YYYY|YY|MON|MM|DD")

_MARK = "\x1a"
"""A character that no text starts with."""
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
"""From the year 1 to 9999, in seconds since 1970."""


@dataclass(frozen=True)
class DateFormat:
    """Format of a date: YYYY or YY, MM or MON (name of the month) and DD, each once, with separators.

    Attributes:
        text: As "DD.MM.YYYY", "MON DD, YYYY" or "YYYYMMDD", or one of EPOCHS, or EXCEL.
    """

    text: str

    @property
    def epoch(self) -> int | None:
        """Units per second if dates are counted in seconds or parts of them; else None."""
        return EPOCHS.get(self.text)

    @property
    def counted(self) -> bool:
        """Whether dates are numbers."""
        return self.epoch is not None or self.text == EXCEL

    @property
    def fault(self) -> str:
        """Why the format is not valid; "" if it is."""
        parts = [part[0] for part in _PARTS.findall(self.text)]
        words = re.search(rf"[^\W{_WRITTEN}]", _PARTS.sub("", self.text))
        if not self.counted and (sorted(parts) != ["D", "M", "Y"] or words):
            return (
                'a format has YYYY or YY, MM or MON, and DD, each once, as "DD.MM.YYYY", "MM/DD/YYYY", "YYYYMMDD" or '
                f'"MON DD, YYYY", or is {", ".join((*EPOCHS, EXCEL))}'
            )
        return ""

    @property
    def pattern(self) -> str:
        """A regular expression that matches text starting with such a date; groups: the parts, and the rest."""
        if self.counted:
            return r"^[+-]?\d{1,18}(?:\.\d*)?$"
        fixed = re.fullmatch("(?:YYYY|YY|MM|DD)+", self.text) is not None
        between = re.split(f"({_PARTS.pattern})", self.text)
        tokens = {part: f"({pattern})" for part, pattern in ({**_TOKENS, **_FIXED} if fixed else _TOKENS).items()}
        if "MON" in self.text:
            tokens["DD"] += _ORDINAL
        parts = "".join(tokens[part] if part in tokens else _between(part) for part in between)
        if self.text[-1] in _WRITTEN:
            return rf"^{parts}{_DAY_OF_WEEK}(?:[T\s,:]*(\d.*))?$"
        # Logs of web servers and SAS write 05/Jan/2024:13:30:00.
        return rf"^{_WEEKDAY}{parts}(?:[T\s,:]+{_AT}(\S.*))?$"

    def steps(self) -> list[tuple[str, str]]:
        """Return the substitutions that convert matching text to YYYY-MM-DD and leave other text unchanged."""
        order = [part[0] for part in _PARTS.findall(self.text)]
        year, month, day = (order.index(letter) + 1 for letter in "YMD")
        # The mark, which no text starts with, keeps later substitutions from text that is not such a date.
        steps = [(self.pattern, rf"{_MARK}\{year}-\{month}-\{day} \4")]
        if "MON" in self.text:
            names = enumerate(MONTHS, 1)
            steps += [(rf"^({_MARK}\d+-)(?i:{name})\pL*\.?-", rf"\1{number:02d}-") for number, name in names]
        if "YYYY" not in self.text:
            steps += [(rf"^{_MARK}(69|[7-9]\d)-", rf"{_MARK}19\1-"), (rf"^{_MARK}(\d\d)-", rf"{_MARK}20\1-")]
        steps += [(rf"^({_MARK}\d+-)(\d)-", r"\10\2-"), (rf"^({_MARK}\d+-\d+-)(\d) ", r"\10\2 ")]
        steps += [(rf"^({_MARK}\S+ \d{{1,2}}){_HOUR}(\d\d){_MINUTE}(\d\d)[s秒초]?$", r"\1:\2:\3")]
        steps += [(rf"^({_MARK}\S+ \d{{1,2}}){_HOUR}(\d\d)[分분]?$", r"\1:\2")]
        return [*steps, (rf"^{_MARK}(.*?) ?$", r"\1")]


def _between(text: str) -> str:
    """Return the pattern of a separator: a space matches one or more, also after a comma, and "de" between spaces."""
    escaped = "".join(r"\s+" if character == " " else f"\\x{{{ord(character):x}}}" for character in text)
    return re.sub(r"(\\s\+)+", r"\\s+(?:(?i:de|of)\\s+)?", escaped)
