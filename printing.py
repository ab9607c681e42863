"""The one way to a terminal and to a log. What comes from data is shown, never obeyed.

Names of columns, categories, cells, files, values of a config and texts of exceptions may hold anything: an escape
sequence that rewrites the screen, a line break that begins a line which looks like ours, a mark that turns the order of
letters round.
"""


def visible(text: str, keep: str = "") -> str:
    r"""Write control characters as \x1b, \n, \u202e and so on.

    Args:
        text: Any text. Everything that Python counts as not printable is written out: C0 and C1 controls, DEL, line and
            paragraph separators, bidirectional and zero-width marks, lone surrogates, blanks other than the space.
        keep: Characters that stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )
