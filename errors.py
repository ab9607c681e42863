"""The exceptions a user can meet.

    PipelineError
    ├── UserError      exit 2: config, data, schema or the user's own code
    ├── GateError      exit 3: a gate refused the data or the model
    ├── RunError       exit 4: a stage failed; names the node and its log
    └── ResourceError  exit 5: store, disk, network or engine

A message says what happened, what was expected and how to mend it. Nothing else reaches a terminal unless `-v` asks
for the traceback.
"""


class PipelineError(Exception):
    """Base of every error that is meant for the user's eyes."""

    exit_code = 1


class UserError(PipelineError, ValueError):
    """Config, data, schema or the user's own code is invalid."""

    exit_code = 2


class GateError(PipelineError):
    """A gate refused the data or the model.

    Args:
        message: Why.
        findings: The same as JSON, for reports.
    """

    exit_code = 3

    def __init__(self, message: str, findings: "list[dict[str, object]] | None" = None) -> None:
        super().__init__(message)
        self.findings = findings or []


class RunError(PipelineError):
    """A stage failed."""

    exit_code = 4


class ResourceError(PipelineError):
    """The store, the disk, the network or an engine cannot be used."""

    exit_code = 5


KINDS: "dict[str, type[PipelineError]]" = {
    kind.__name__: kind for kind in (UserError, GateError, RunError, ResourceError)
}
"""The tree by name, to carry an error from one process to another."""
