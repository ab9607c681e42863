"""A small expression language that selects invalid rows, such as `bedrooms > 20 and not (grade >= 10)`.

    expression = all {"or" all};  all = one {"and" one};  one = "not" one | "(" expression ")" | comparison
    comparison = value ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=") value | column "is" ["not"] "missing"
    value = a number | 'text' | "text" | a column, in `backticks` if its name is not an identifier

A comparison with a null is neither true nor false, as in SQL, so it does not select the row.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

MAX_LENGTH = 1000
"""Maximum number of characters of an expression."""
_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?!\w)|(?P<text>'[^']*'|\"[^\"]*\")|`(?P<column>[^`]+)`"
    r"|(?P<sign><=|>=|==|!=|<>|[<>=()])|(?P<word>\w+))"
)
_SIGNS = {"=": "equal", "==": "equal", "!=": "not_equal", "<>": "not_equal"} | {
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
}
MAX_INT64 = 2**63 - 1
_KEYWORDS = ("and", "or", "not", "is", "missing")


@dataclass(frozen=True)
class Column:
    """Reference to a column."""

    name: str


Node = tuple[Any, ...]
"""("and" | "or", left, right), ("not", one), ("missing", Column) or (name of an Arrow function, value, value)."""


class Expression:
    """A parsed expression.

    Args:
        text: The expression as written in the config.

    Raises:
        ValueError: Syntax error; the message names the position.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > MAX_LENGTH:
            raise ValueError(f"{text[:40]!r}...: an expression has at most {MAX_LENGTH} characters")
        self._tokens = list(self._split())
        self._at = 0
        self._depth = 0
        self.tree = self._either()
        if self._at < len(self._tokens):
            self._fail("expected 'and', 'or' or the end")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the expression names, without duplicates."""
        return tuple(dict.fromkeys(_columns(self.tree)))

    def check(self, columns: Mapping[str, str]) -> None:
        """Check that its columns exist and are compared with values of their type.

        Args:
            columns: Column name -> type (INT, FLOAT, BYTES).

        Raises:
            ValueError: A column does not exist or has another type; the message names expression and column.
        """
        for name in self.columns:
            if name not in columns:
                raise ValueError(f"{self.text!r} names column {name!r}, which does not exist")
        for _, *values in _comparisons(self.tree):
            kinds = [columns[value.name] if isinstance(value, Column) else None for value in values]
            texts = [kind == "BYTES" or isinstance(value, str) for kind, value in zip(kinds, values, strict=True)]
            if texts[0] != texts[1]:
                column, compared = (values[0], values[1]) if isinstance(values[0], Column) else (values[1], values[0])
                has = "text" if columns[column.name] == "BYTES" else "a number"
                operand = f"column {compared.name!r}" if isinstance(compared, Column) else repr(compared)
                advice = (
                    ""
                    if isinstance(compared, Column)
                    else f": write {repr(str(compared)) if has == 'text' else 'a number'}"
                )
                raise ValueError(
                    f"{self.text!r} compares column {column.name!r}, which is {has}, with {operand}{advice}"
                )

    def _split(self) -> Iterator[tuple[str, str]]:
        offset = 0
        text = self.text.rstrip()
        while offset < len(text):
            match = _TOKEN.match(text, offset)
            if match is None:
                raise ValueError(f"{self.text!r}: {text[offset:].strip()[:20]!r} cannot be understood")
            kind = str(match.lastgroup)
            value = match[kind]
            if kind == "word" and value.lower() in _KEYWORDS:
                kind, value = "keyword", value.lower()
            yield ("column" if kind == "word" else kind), value
            offset = match.end()

    def _next(self, kind: str, *values: str) -> str | None:
        """Consume the next token if it has this kind and, if values are given, one of them; else return None."""
        if self._at < len(self._tokens):
            token_kind, value = self._tokens[self._at]
            if token_kind == kind and (not values or value in values):
                self._at += 1
                return value
        return None

    def _fail(self, expected: str) -> NoReturn:
        token = repr(self._tokens[self._at][1]) if self._at < len(self._tokens) else "the end"
        raise ValueError(f"{self.text!r}: {expected}, found {token}")

    def _either(self) -> Node:
        node = self._all()
        while self._next("keyword", "or"):
            node = ("or", node, self._all())
        return node

    def _all(self) -> Node:
        node = self._one()
        while self._next("keyword", "and"):
            node = ("and", node, self._one())
        return node

    def _one(self) -> Node:
        self._depth += 1
        if self._depth > 100:
            self._fail("expected fewer parentheses")
        node = self._nested()
        self._depth -= 1
        return node

    def _nested(self) -> Node:
        if self._next("keyword", "not"):
            return ("not", self._one())
        if self._next("sign", "("):
            node = self._either()
            if not self._next("sign", ")"):
                self._fail("expected ')'")
            return node
        left = self._value()
        if self._next("keyword", "is"):
            inverse = self._next("keyword", "not")
            if not self._next("keyword", "missing"):
                self._fail("expected 'missing' after 'is'")
            if not isinstance(left, Column):
                self._fail("expected a column before 'is missing'")
            return ("not", ("missing", left)) if inverse else ("missing", left)
        sign = self._next("sign", *_SIGNS)
        if not sign:
            self._fail("expected a comparison such as '>' or 'is missing'")
        right = self._value()
        if not isinstance(left, Column) and not isinstance(right, Column):
            self._fail("expected a column on one side of the comparison")
        return (_SIGNS[sign], left, right)

    def _value(self) -> Column | str | float:
        if (number := self._next("number")) is not None:
            integer = int(number) if re.fullmatch(r"-?\d{1,19}", number) else None
            return integer if integer is not None and abs(integer) <= MAX_INT64 else float(number)
        if (text := self._next("text")) is not None:
            return text[1:-1]
        if (name := self._next("column")) is not None:
            return Column(name)
        self._fail("expected a column, a number or a text")


def _columns(node: Any) -> Iterator[str]:
    if isinstance(node, Column):
        yield node.name
    elif isinstance(node, tuple):
        for part in node[1:]:
            yield from _columns(part)


def _comparisons(node: Node) -> Iterator[Node]:
    if node[0] in _SIGNS.values():
        yield node
    elif node[0] != "missing":
        for part in node[1:]:
            yield from _comparisons(part)
