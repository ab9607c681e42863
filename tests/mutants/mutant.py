"""Mutants of a Python file, with one edit each.

Docstrings, annotations, error messages, and printed or logged text are not edited.
"""

import ast
import hashlib
from dataclasses import dataclass, replace
from typing import Any

from . import operators


@dataclass(frozen=True)
class Mutant:
    """An edit of a file.

    Attributes:
        file: Path relative to the repository.
        line: First edited line, from 1.
        end_line: Last edited line.
        span: Start and end in the file's text.
        within: Dotted name of the enclosing function or class.
        operator: Kind of edit.
        old: The replaced text.
        new: Its replacement.
        called: Whether it runs when a function is called, not on import.
        number: Index among equal edits of the same function, from 0.
    """

    file: str
    line: int
    end_line: int
    span: tuple[int, int]
    within: str
    operator: str
    old: str
    new: str
    called: bool
    number: int = 0

    @property
    def key(self) -> str:
        """Key that does not change when lines move."""
        parts = (self.file, self.within, self.operator, self.old, self.new, str(self.number))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def apply(self, text: str) -> str:
        """Return the file's text with the edit."""
        return text[: self.span[0]] + self.new + text[self.span[1] :]


def mutants_of(file: str, text: str) -> list[Mutant]:
    """Return the mutants of a file, in the order of its text."""
    walk = _Walk(file, text)
    walk.visit(ast.parse(text))
    mutants: list[Mutant] = []
    number_of_key: dict[str, int] = {}
    for mutant in sorted(walk.found, key=lambda mutant: (mutant.span, mutant.operator, mutant.new)):
        number = number_of_key.get(mutant.key, 0)
        number_of_key[mutant.key] = number + 1
        mutants.append(replace(mutant, number=number))
    return mutants


class _Walk(ast.NodeVisitor):
    """Collector of mutants that change behavior."""

    def __init__(self, file: str, text: str) -> None:
        self._file, self._text, self._bytes = file, text, text.encode()
        self._starts = [0]
        for line in self._bytes.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._names: list[str] = []
        self._called = False
        self.found: list[Mutant] = []

    def visit(self, node: ast.AST) -> Any:
        """Mutate a node, then what is below it."""
        for operator in operators.OPERATORS.get(type(node), ()):
            for replaced, text in operator(node):
                self._add(replaced, operator.__name__, text)
        return super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Skip decorators and annotations."""
        if node.name != "__repr__":
            self._names.append(node.name)
            self._all([*node.args.defaults, *filter(None, node.args.kw_defaults)])
            outer, self._called = self._called, True
            self._all(node.body)
            self._called = outer
            self._names.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  ast's name

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Skip protocols, which have no code."""
        if not any("Protocol" in ast.unparse(base) for base in node.bases):
            self._names.append(node.name)
            self._all(node.body)
            self._names.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Skip the annotation."""
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Skip type aliases and lists of exported names."""
        name = getattr(node.targets[0], "id", "")
        of_types = name[:1].isupper() and not name.isupper() and isinstance(node.value, ast.Subscript | ast.BinOp)
        if name != "__all__" and not of_types:
            self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        """Skip imports for type checking."""
        if "TYPE_CHECKING" not in ast.unparse(node.test):
            self._all([node.test, *node.body, *node.orelse])

    def visit_Expr(self, node: ast.Expr) -> None:
        """Skip docstrings."""
        if not isinstance(node.value, ast.Constant):
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """Skip messages."""
        if operators.called(node) not in operators.MESSAGES:
            self._all(
                [
                    node.func,
                    *node.args,
                    *(keyword.value for keyword in node.keywords if keyword.arg not in operators.NEUTRAL),
                ]
            )

    def visit_Raise(self, node: ast.Raise) -> None:
        """Skip the error's message."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """Skip assertions for the type checker."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Skip formatted text."""

    def _all(self, nodes: list[Any]) -> None:
        for node in nodes:
            self.visit(node)

    def _add(self, node: Any, operator: str, new_text: str) -> None:
        if new_text != ast.unparse(node):
            start = self._place(node.lineno, node.col_offset)
            end = self._place(node.end_lineno, node.end_col_offset)
            within, old_text, lines = ".".join(self._names), self._text[start:end], (node.lineno, node.end_lineno)
            self.found.append(
                Mutant(self._file, *lines, (start, end), within, operator, old_text, new_text, self._called)
            )

    def _place(self, line: int, column: int) -> int:
        """Return the index in the text of a line and a column in bytes."""
        return len(self._bytes[: self._starts[line - 1] + column].decode())
