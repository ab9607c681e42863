"""Consoles of rich that show control characters of what they print."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.segment import Segment

from printing import raw, visible


def console(*, plain: bool, file: TextIO | None = None, **options: Any) -> Console:
    """Makes a rich console whose texts have no control characters, whatever is printed; only its own styles have.

    Args:
      plain: Without colours, each text a line.
      file: Where it prints; standard output where it is left out.
      options: Others of `rich.console.Console`.
    """
    return _Clean(
        file=file or raw(sys.stdout),
        no_color=plain,
        soft_wrap=plain,
        # Markup in a column's name must stay text.
        highlight=False,
        markup=False,
        emoji=False,
        **options,
    )


class _Clean(Console):
    def render(self, renderable: RenderableType, options: Any = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text, keep="\n"), segment.style)
