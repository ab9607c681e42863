"""Mutation operators: small edits of each kind of syntax tree node that change its behavior."""

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
OTHER_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum", "argmin": "argmax"}
"""Function or method -> its replacement."""
MESSAGES = {"print", "say", "warn", "warning", "info", "debug", "error", "exception", "add_argument", "add_parser"}
"""Functions whose arguments are text for users."""
NEUTRAL = {"help", "description", "title", "metavar", "encoding", "errors", "strict", "stacklevel", "daemon", "name"}
"""Keyword arguments with text, or whose value has no visible effect."""
TYPED = {"isinstance", "issubclass", "getattr", "hasattr", "setattr", "open", "cast"}
"""Functions that fail immediately if their arguments are exchanged."""
NO_CONTEXT = '__import__("contextlib").nullcontext()'
_LOOSE = (ast.BinOp, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.IfExp, ast.Lambda, ast.NamedExpr, ast.GeneratorExp)
"""Expressions that need parentheses inside of another one."""

Edit = tuple[ast.AST, str]
"""The replaced node, and the new text."""


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _text(node: ast.AST) -> str:
    return f"({ast.unparse(node)})" if isinstance(node, _LOOSE) else ast.unparse(node)


def _with(node: ast.AST, **fields: Any) -> str:
    """Return the text of a node with other fields."""
    copied = copy.copy(node)
    for name, value in fields.items():
        setattr(copied, name, value)
    return _text(copied)


def _without(items: list[Any], place: int) -> list[Any]:
    return [*items[:place], *items[place + 1 :]]


def comparison(node: ast.Compare) -> Iterator[Edit]:
    """Move a bound, or invert a comparison."""
    for place, kind in enumerate(node.ops):
        yield node, _with(node, ops=[*node.ops[:place], COMPARISONS[type(kind)](), *node.ops[place + 1 :]])


def logic(node: ast.BoolOp) -> Iterator[Edit]:
    """Exchange `and` and `or`."""
    yield node, _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def negation(node: ast.UnaryOp) -> Iterator[Edit]:
    """Remove a `not`, a minus or a ~."""
    yield node, _text(node.operand)


def arithmetic(node: ast.BinOp) -> Iterator[Edit]:
    """Exchange operators of numbers and sets; for strings and lists this would only raise errors."""
    joined = ast.JoinedStr | ast.List | ast.Tuple
    sides = (node.left, node.right)
    if type(node.op) in ARITHMETIC and not any(
        isinstance(side, joined) or isinstance(getattr(side, "value", 0), str | bytes) for side in sides
    ):
        yield node, _with(node, op=ARITHMETIC[type(node.op)]())


def augmented(node: ast.AugAssign) -> Iterator[Edit]:
    """Exchange the operator of `+=`, or remove the statement."""
    if type(node.op) in ARITHMETIC:
        yield node, _with(node, op=ARITHMETIC[type(node.op)]())
    yield node, "pass"


def constant(node: ast.Constant) -> Iterator[Edit]:
    """Change a number or a boolean."""
    value = node.value
    if isinstance(value, bool):
        yield node, str(not value)
    elif isinstance(value, int):
        yield node, str(value + 1)
        if value == 1:
            yield node, "0"
    elif isinstance(value, float):
        yield node, str(value * 2 if value else 1.0)


def condition(node: ast.If | ast.IfExp | ast.While) -> Iterator[Edit]:
    """Make a condition always true, or always false."""
    if not isinstance(node.test, ast.Constant) and "TYPE_CHECKING" not in ast.unparse(node.test):
        yield node.test, "False"
        if not isinstance(node, ast.While):
            yield node.test, "True"


def filtering(node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> Iterator[Edit]:
    """Remove the `if` of a comprehension."""
    for generator in node.generators:
        for test in generator.ifs:
            yield test, "True"


def deletion(node: ast.Expr) -> Iterator[Edit]:
    """Remove a call."""
    if isinstance(node.value, ast.Call) and called(node.value) not in MESSAGES:
        yield node, "pass"


def assignment(node: ast.Assign) -> Iterator[Edit]:
    """Remove an assignment to an attribute or an item."""
    if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
        yield node, "pass"


def jump(node: ast.Raise | ast.Continue | ast.Break) -> Iterator[Edit]:
    """Remove a `raise`, `continue` or `break`."""
    yield node, "pass"


def returned(node: ast.Return) -> Iterator[Edit]:
    """Return nothing."""
    if node.value is not None:
        yield node, "return None"


def slicing(node: ast.Slice) -> Iterator[Edit]:
    """Move an end of a slice by one; constants have their own operator."""
    for name in ("lower", "upper"):
        bound = getattr(node, name)
        if bound is not None and not isinstance(bound, ast.Constant):
            yield node, _with(node, **{name: ast.BinOp(bound, ast.Add(), ast.Constant(1))})


def handler(node: ast.ExceptHandler) -> Iterator[Edit]:
    """Remove one of the caught exceptions."""
    if isinstance(node.type, ast.Tuple):
        for place in range(len(node.type.elts)):
            yield node.type, _with(node.type, elts=_without(node.type.elts, place))
    elif node.type is not None:
        yield node.type, "()"


def manager(node: ast.With) -> Iterator[Edit]:
    """Remove a context manager, such as a lock."""
    for item in node.items:
        if item.optional_vars is None:
            yield item.context_expr, NO_CONTEXT


def call(node: ast.Call) -> Iterator[Edit]:
    """Call the opposite function, or remove the call."""
    name, attribute = called(node), isinstance(node.func, ast.Attribute)
    if name in OTHER_CALLS:
        opposite = _with(node.func, **{"attr" if attribute else "id": OTHER_CALLS[name]})
        yield node.func, opposite
    if name == "sorted" and not attribute:
        yield node, _with(node, func=ast.Name("list"), args=node.args[:1], keywords=[])
    if name == "abs" and not attribute:
        yield node, _text(node.args[0])
    if name == "get" and len(node.args) == 2:
        yield node, _with(node, args=node.args[:1])


def arguments(node: ast.Call) -> Iterator[Edit]:
    """Exchange the first two arguments if they are of the same kind."""
    plain = ast.Name | ast.Attribute | ast.Subscript
    alike = len(node.args) >= 2 and any(
        all(isinstance(argument, kind) for argument in node.args[:2]) for kind in (plain, ast.Call)
    )
    if alike and called(node) not in MESSAGES | TYPED:
        yield node, _with(node, args=[node.args[1], node.args[0], *node.args[2:]])


def keyword(node: ast.Call) -> Iterator[Edit]:
    """Remove a keyword argument."""
    if called(node) not in MESSAGES:
        for place, passed in enumerate(node.keywords):
            if passed.arg is not None and passed.arg not in NEUTRAL:
                yield node, _with(node, keywords=_without(node.keywords, place))


def element(node: ast.List | ast.Set) -> Iterator[Edit]:
    """Remove an element of a list of names or constants."""
    plain = ast.Constant | ast.Name | ast.Attribute | ast.Starred
    if len(node.elts) >= 2 and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        for place, item in enumerate(node.elts):
            if isinstance(item, plain):
                yield node, _with(node, elts=_without(node.elts, place))


def entry(node: ast.Dict) -> Iterator[Edit]:
    """Remove an entry of a dictionary."""
    if len(node.keys) >= 2:
        for place in range(len(node.keys)):
            yield node, _with(node, keys=_without(node.keys, place), values=_without(node.values, place))


OPERATORS: dict[type[ast.AST], tuple[Callable[[Any], Iterator[Edit]], ...]] = {
    ast.Compare: (comparison,),
    ast.BoolOp: (logic,),
    ast.UnaryOp: (negation,),
    ast.BinOp: (arithmetic,),
    ast.AugAssign: (augmented,),
    ast.Constant: (constant,),
    ast.If: (condition,),
    ast.IfExp: (condition,),
    ast.While: (condition,),
    ast.ListComp: (filtering,),
    ast.SetComp: (filtering,),
    ast.DictComp: (filtering,),
    ast.GeneratorExp: (filtering,),
    ast.Expr: (deletion,),
    ast.Assign: (assignment,),
    ast.Raise: (jump,),
    ast.Continue: (jump,),
    ast.Break: (jump,),
    ast.Return: (returned,),
    ast.Slice: (slicing,),
    ast.ExceptHandler: (handler,),
    ast.With: (manager,),
    ast.Call: (call, arguments, keyword),
    ast.List: (element,),
    ast.Set: (element,),
    ast.Dict: (entry,),
}
"""Kind of node -> its operators."""
