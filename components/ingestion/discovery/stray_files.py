"""Rules on names of files and folders that are not data, the same for all formats."""

import re

HIDDEN = "hidden"
SYSTEM = "written by a system or a tool, no data"
DOCUMENTATION = "documentation"

_SYSTEM = re.compile(
    r"thumbs\.db|ehthumbs\.db|desktop\.ini|icon\r|__macosx|@eadir|lost\+found|\$recycle\.bin"
    r"|system volume information|_success|_metadata|_common_metadata|_delta_log|(_committed_|_started_).*|~\$.*"
)
_WORDS = "readme|license|licence|notice|changelog|copying|authors|contributing|citation"
_DOCUMENTATION = re.compile(
    rf".*\.md|.*\.rst|({_WORDS})([-_.][^.]*)?|({_WORDS})([-_.][^.]*)?\.(html?|pdf|cff|docx?)|({_WORDS})\.txt"
)
"""`license.txt` is not data, but `licenses_2024.csv` and `license_plates.txt` are."""


def reason(name: str, *, folder: bool = False) -> str | None:
    """Return why a file or folder is skipped.

    Args:
        name: Name of the file or folder, without the parent folders.
        folder: Whether it is a folder: one that is named like documentation may be a class.

    Returns:
        The reason, as the end of a sentence; None if it may be data.
    """
    low = name.lower()
    if low.startswith("."):
        return HIDDEN
    if _SYSTEM.fullmatch(low):
        return SYSTEM
    return DOCUMENTATION if not folder and _DOCUMENTATION.fullmatch(low) else None
