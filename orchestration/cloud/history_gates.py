"""Gates that compare with earlier runs, which a platform does not offer to a job."""

from components.validation.gate_catalog import Gates
from errors import UserError


def check(gates: Gates, config: str) -> None:
    """Check that no gate is chosen to block that cannot.

    Args:
        gates: [gates].
        config: The config's path, for the message.

    Raises:
        UserError: there is such a gate.
    """
    for name, settings in gates.entries():
        is_chosen = settings.action == "block" and "action" in settings.model_fields_set
        if settings.needs_history and is_chosen:
            raise UserError(
                f"{config}: gates.{name}: it compares with earlier runs, which the platform does not offer, so it "
                f"cannot block: remove the action, or write --set gates.{name}.action=off for this job"
            )


def note(gates: Gates) -> str:
    """Return a line on the gates that find nothing; empty if there are none."""
    idle = [
        f"gates.{name}" for name, settings in gates.entries() if settings.needs_history and settings.action != "off"
    ]
    return (
        f"note: {' and '.join(idle)} find nothing: the platform offers no earlier runs to compare with" if idle else ""
    )
