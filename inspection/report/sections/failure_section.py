"""Failure: the end of the log of the node that failed."""

import os

from inspection.report.markup import Html, joined, tag
from inspection.report.report_facts import Facts

_LINES, _BYTES = 40, 20_000


def section(facts: Facts) -> Html | None:
    """Return the end of the log of the node that failed; None if no node failed."""
    failed = [node.node_id for node in facts.detail.nodes if node.state in ("FAILED", "CANCELED")]
    folder = facts.detail.run.folder
    if not failed or folder is None or facts.detail.run.state == "COMPLETE":
        return None
    path = os.path.join(folder, "logs", f"{failed[-1]}.log")
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        file.seek(max(os.path.getsize(path) - _BYTES, 0))
        lines = file.read().decode(errors="replace").rstrip().split("\n")
    log_end = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines[-_LINES:])
    if not log_end:
        return None
    return joined([tag("p", f"End of the log of {failed[-1]}:"), tag("pre", log_end, tabindex="0", aria_label="log")])
