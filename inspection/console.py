"""Rich consoles that escape control characters in their output."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.segment import Segment

from printing import raw, visible


def console(*, plain: bool, file: TextIO | None = None, **options: Any) -> Console:
    """Return a rich console that escapes control characters in texts; only its styles produce any.

    Args:
      plain: Without colors, and without wrapping.
      file: Output; standard output by default.
      options: Further options of `rich.console.Console`.
    """
    return _Clean(
        file=file or raw(sys.stdout),
        no_color=plain,
        soft_wrap=plain,
        # Markup in a column's name is printed as text.
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
