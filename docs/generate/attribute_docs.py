"""Docstrings of attributes: the string literal below an annotated field."""

import ast
import functools
import inspect
import textwrap


@functools.cache
def attribute_docs(cls: type) -> dict[str, str]:
    """Return the docstring of each field of a class, inherited ones included.

    Args:
        cls: A class with annotated fields.

    Returns:
        Field -> its docstring; fields without one are absent.
    """
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base is object or not base.__module__ or "__annotations__" not in vars(base):
            continue
        try:
            source = textwrap.dedent(inspect.getsource(base))
        except (OSError, TypeError):
            continue
        body = ast.parse(source).body[0]
        if isinstance(body, ast.ClassDef):
            docs |= _documented(body)
    return docs


def first_paragraph(text: str | None) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join((text or "").strip().split("\n\n")[0].split())


def _documented(body: ast.ClassDef) -> dict[str, str]:
    docs = {}
    for field, following in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            docs[field.target.id] = " ".join(following.value.value.split())
    return docs
