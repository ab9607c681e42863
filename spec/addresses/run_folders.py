"""Assignment of runs to roots, because one store may have runs of the same pipeline under several roots."""

import os


def is_under(folder: str, run_id: str, home: str) -> bool:
    """Return whether a run belongs to a pipeline's folder.

    Args:
        folder: Folder of the run, as the store has it; empty for a run of another tool, which belongs to every root.
        run_id: Id of the run.
        home: The pipeline's folder under a root.
    """
    in_home = os.path.realpath(folder).startswith(os.path.realpath(home) + os.sep)
    return not folder or in_home or os.path.isdir(os.path.join(home, "runs", run_id))
