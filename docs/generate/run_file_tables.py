"""Tables of the files in a run's folder and of the states, from inspection/run_files.py."""

from docs.generate.attribute_docs import attribute_docs
from docs.generate.markdown import code, prose, table
from inspection import run_files

STATES = {
    "run": run_files.RUN_STATES,
    "stage": run_files.STAGE_STATES,
    "scheduled": run_files.FIRE_STATES,
    "artifact": run_files.ARTIFACT_STATES,
}


def states(kind: str) -> str:
    """Return the states of a "run", of a "stage", of a "scheduled" run, or of an "artifact"."""
    return table(("state", "meaning"), [(code(state), prose(text)) for state, text in STATES[kind].items()])


def fields(name: str) -> str:
    """Return the keys of one of the documented files.

    Args:
        name: A class of inspection/run_files.py.

    Raises:
        KeyError: A key has no docstring.
    """
    file = getattr(run_files, name)
    docs = attribute_docs(file)
    return table(("key", "meaning"), [(code(key), prose(docs[key])) for key in file.__annotations__])


def events(_: str = "") -> str:
    """Return the events of events.jsonl."""
    rows = [(code(event), ", ".join(map(code, keys)), prose(text)) for event, (keys, text) in run_files.EVENTS.items()]
    return table(("event", "keys", "meaning"), rows)


def findings(_: str = "") -> str:
    """Return the keys of a finding in gates.json."""
    return table(("key", "meaning"), [(code(key), prose(text)) for key, text in run_files.FINDING.items()])
