"""Files and folders that lie among data and are none, by their names: one set of rules for all formats."""

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
"""`license.txt` is no data, and `licenses_2024.csv` or `license_plates.txt` is."""


def reason(name: str, *, folder: bool = False) -> str | None:
    """Why a file or folder is passed over.

    Args:
        name: Its name, without the folders above it.
        folder: Whether it is a folder: one that is named as documentation may be a class.

    Returns:
        The reason, as the end of a sentence; None where it may be data.
    """
    low = name.lower()
    if low.startswith("."):
        return HIDDEN
    if _SYSTEM.fullmatch(low):
        return SYSTEM
    return DOCUMENTATION if not folder and _DOCUMENTATION.fullmatch(low) else None
