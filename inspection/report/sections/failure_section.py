"""Where a run failed: the last lines that the node wrote."""

import os

from inspection.report.markup import Html, joined, tag
from inspection.report.report_facts import Facts

_LINES, _BYTES = 40, 20_000


def section(known: Facts) -> Html | None:
    """Shows the end of the log of the node that failed; of a run without one, nothing."""
    failed = [node.node_id for node in known.detail.nodes if node.state in ("FAILED", "CANCELED")]
    folder = known.detail.run.folder
    if not failed or folder is None or known.detail.run.state == "COMPLETE":
        return None
    path = os.path.join(folder, "logs", f"{failed[-1]}.log")
    if os.path.islink(path) or not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        file.seek(max(os.path.getsize(path) - _BYTES, 0))
        lines = file.read().decode(errors="replace").rstrip().split("\n")
    told = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines[-_LINES:])
    if not told:
        return None
    return joined([tag("p", f"The end of what {failed[-1]} wrote:"), tag("pre", told, tabindex="0", aria_label="log")])
