"""The process in which a user-defined channel sends a message, so that it can be killed at any moment.

    python -m orchestration.schedule.channel_process my_channel.send < message.json

The input is `{"setting": TEXT, "message": {...}}`. The output is one line with the failure, or nothing. It contains
only the type and location of an error, because its text may quote a token.
"""

import contextlib
import importlib
import json
import sys

import printing
from pipeline import user_code


def main() -> int:
    """Send the message of standard input by the channel of the command line."""
    module, _, name = sys.argv[1].rpartition(".")
    order = json.load(sys.stdin)
    # Standard output is the answer of this process, so output of the channel goes elsewhere.
    with contextlib.redirect_stdout(sys.stderr):
        try:
            failure = getattr(importlib.import_module(module), name)(order["setting"], order["message"])
        except Exception as error:
            location = user_code.place(error)
            failure = f"failed ({type(error).__name__}{f' at {location}' if location else ''})"
    if failure:
        printing.line(str(failure))
    return 0


if __name__ == "__main__":
    sys.exit(main())
