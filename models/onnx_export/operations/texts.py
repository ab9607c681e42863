"""Translations of operations on text: lookups, regular expressions, and conversion from and to numbers.

Replacement by regular expressions needs onnxruntime-extensions.
"""

import re
import string
from collections.abc import Callable
from typing import Any

from models.onnx_export.onnx_graph import ML, TEXT, TYPES
from models.transform_graph.text_cells import INTEGER

Translate = Callable[[Any, Any], list[str]]
_DECIMAL = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?i:nan|inf|infinity)"
_NUMBERS = {
    "int64": INTEGER,
    "int32": r"-?0*\d{1,9}",
    "float32": _DECIMAL,
    "float64": r"[+-]?(?:\d{1,300}\.?\d*|\.\d+)",
}
"""Dtype -> regular expression of the texts that are numbers of this dtype."""
_BEYOND_FLOAT = (
    (rb"^[+-]?[0.]+[eE].*$", rb"0"),
    (rb"^[+-]?[0-9.]+[eE]-0*[1-9]\d{2,}$", rb"0"),
    (rb"^([+-]?)[0-9.]+[eE]\+?0*[1-9]\d{2,}$", rb"\1inf"),
)
"""Rewrites of numbers that are 0 or infinite in float32, which ONNX Runtime refuses to parse."""
_CHOICE = re.compile(r"\^\(\?:((?:\w|\\x\{[0-9a-f]+\})+(?:\|(?:\w|\\x\{[0-9a-f]+\})+)*)\)\$")
_CODE = re.compile(r"\\x\{([0-9a-f]+)\}")
_LOCALE = "C.UTF-8"
"""Locale of the lower-case conversion, which exists on any machine and covers all letters."""


def _lookup(conversion: Any, operation: Any) -> list[str]:
    table = conversion.table(operation)
    default = int(conversion.constant(operation, 2))
    graph, text = conversion.graph, conversion.input(operation, 1)
    if not len(table.keys):
        return [graph.add("Expand", graph.constant(default, "int64"), graph.add("Shape", text))]
    index = graph.add(
        "LabelEncoder",
        text,
        domain=ML,
        keys_strings=table.keys.tolist(),
        values_int64s=table.values.tolist(),
        default_int64=default,
    )
    return [index]


def _replace(conversion: Any, operation: Any) -> list[str]:
    if operation.type == "StaticRegexReplace":
        pattern, rewrite = operation.get_attr("pattern"), operation.get_attr("rewrite")
    else:
        pattern, rewrite = (conversion.constant(operation, position).item() for position in (1, 2))
    everywhere = operation.get_attr("replace_global")
    return [_replaced(conversion, conversion.input(operation, 0), pattern, rewrite, everywhere=everywhere)]


def _replaced(conversion: Any, text: str, pattern: bytes, rewrite: bytes, *, everywhere: bool = True) -> str:
    graph = conversion.graph
    literals = _literals(pattern)
    if literals and b"\\" not in rewrite:
        # A comparison costs a fifth of a regular expression, which ONNX Runtime compiles for each batch.
        keys = [literal.encode() for literal in literals]
        is_literal = graph.add(
            "LabelEncoder", text, domain=ML, keys_strings=keys, values_int64s=[1] * len(keys), default_int64=0
        )
        equal = graph.add("Equal", is_literal, graph.constant(1, "int64"))
        replaced: str = graph.add("Where", equal, graph.constant(rewrite, "string"), text)
        return replaced
    names = [graph.constant([part], "string") for part in (pattern, rewrite)]
    rewritten: str = graph.add("StringRegexReplace", text, *names, domain=TEXT, global_replace=int(everywhere))
    return rewritten


def _literals(pattern: bytes) -> list[str]:
    """Return the texts that a pattern such as `^(?:NA|null)$` matches; nothing if it is no choice of whole texts."""
    match = _CHOICE.fullmatch(pattern.decode(errors="replace"))
    if match is None:
        return []
    texts = [_CODE.sub(lambda code: chr(int(code[1], 16)), text) for text in match[1].split("|")]
    return list(dict.fromkeys(texts))


def _full_match(conversion: Any, operation: Any) -> list[str]:
    if operation.type == "StaticRegexFullMatch":
        pattern = operation.get_attr("pattern")
    else:
        pattern = conversion.constant(operation, 1).item()
    return [conversion.graph.add("RegexFullMatch", conversion.input(operation, 0), pattern=pattern)]


def _lower(conversion: Any, operation: Any) -> list[str]:
    graph, text = conversion.graph, conversion.input(operation, 0)
    if not operation.get_attr("encoding"):
        for letter in string.ascii_uppercase:
            text = _replaced(conversion, text, letter.encode(), letter.lower().encode())
        return [text]
    flat = graph.add("Reshape", text, graph.constant([-1], "int64"))
    lowered = graph.add("StringNormalizer", flat, case_change_action="LOWER", is_case_sensitive=1, locale=_LOCALE)
    return [graph.add("Reshape", lowered, graph.add("Shape", text))]


def _substring(conversion: Any, operation: Any) -> list[str]:
    """Translate substrings by bytes: one regular expression, and one column of the result, for each position."""
    if operation.get_attr("unit") != b"BYTE":
        raise conversion.refusal(operation, "substrings by character")
    starts, sizes = conversion.constant(operation, 1).ravel(), conversion.constant(operation, 2).ravel()
    text = conversion.input(operation, 0)
    parts = [
        _replaced(conversion, text, rf"(?s)^\C{{{start}}}(\C{{0,{size}}})\C*$".encode(), rb"\1")
        for start, size in zip(starts, sizes, strict=True)
    ]
    return [conversion.graph.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]]


def _join(conversion: Any, operation: Any) -> list[str]:
    graph, separator = conversion.graph, operation.get_attr("separator")
    joined, *suffixes = conversion.inputs(operation)
    for name in suffixes:
        if separator:
            joined = graph.add("StringConcat", joined, graph.constant(separator, "string"))
        joined = graph.add("StringConcat", joined, name)
    return [joined]


def _as_text(conversion: Any, operation: Any) -> list[str]:
    if not operation.inputs[0].dtype.is_integer:
        raise conversion.refusal(operation, "decimal numbers as text")
    graph, width = conversion.graph, operation.get_attr("width")
    text = graph.add("Cast", conversion.input(operation, 0), to=TYPES["string"])
    if width <= 0:
        return [text]
    filling = (operation.get_attr("fill") or b" ") * width
    longer = graph.add("StringConcat", graph.constant(filling, "string"), text)
    return [_replaced(conversion, longer, rf"^.{{0,{width}}}(.{{{width},}})$".encode(), rb"\1")]


def _as_number(conversion: Any, operation: Any) -> list[str]:
    """Translate the conversion of text to numbers; an invalid text becomes 0, and its row fails a check."""
    graph, output = conversion.graph, operation.outputs[0].dtype.name
    if output not in _NUMBERS:
        raise conversion.refusal(operation, f"text as numbers of {output}")
    text = conversion.input(operation, 0)
    is_number = graph.add("RegexFullMatch", text, pattern=_NUMBERS[output])
    width = operation.inputs[0].shape[-1] if operation.inputs[0].shape.rank == 2 else 1
    conversion.check(is_number, ["a text is not a number; it holds"] * width)
    plain = graph.add("Where", is_number, text, graph.constant("0", "string"))
    if output == "float32":
        for pattern, rewrite in _BEYOND_FLOAT:
            plain = _replaced(conversion, plain, pattern, rewrite)
    return [graph.add("Cast", plain, to=TYPES[output])]


def _hash(conversion: Any, operation: Any) -> list[str]:
    if operation.get_attr("num_buckets") != 1:
        raise conversion.refusal(operation)
    graph = conversion.graph
    return [graph.add("Expand", graph.constant(0, "int64"), graph.add("Shape", conversion.input(operation, 0)))]


OPERATIONS: dict[str, Translate] = {
    "LookupTableFindV2": _lookup,
    "StaticRegexReplace": _replace,
    "RegexReplace": _replace,
    "StaticRegexFullMatch": _full_match,
    "RegexFullMatch": _full_match,
    "StringLower": _lower,
    "Substr": _substring,
    "StringJoin": _join,
    "AsString": _as_text,
    "StringToNumber": _as_number,
    "StringToHashBucketFast": _hash,
}
