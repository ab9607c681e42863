"""Exceptions with messages for the user.

    PipelineError
    ├── UserError      exit 2: config, data, schema or custom code
    ├── GateError      exit 3: a gate refused the data or the model
    ├── RunError       exit 4: a stage failed; names the node and its log
    └── ResourceError  exit 5: store, disk, network or engine

A message states the problem, the expected value and the fix. The traceback is printed only with `-v`.
"""


class PipelineError(Exception):
    """Base class of errors whose message is printed without a traceback."""

    exit_code = 1


class UserError(PipelineError, ValueError):
    """Config, data, schema or custom code is invalid."""

    exit_code = 2


class GateError(PipelineError):
    """A gate refused the data or the model.

    Args:
        message: The reasons.
        findings: The reasons as JSON values, for reports.
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
"""Classes by name, to send an error from one process to another."""
