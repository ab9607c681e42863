"""A systemd unit and a crontab line for a schedule, to be installed manually."""

import os
import shlex
import sys

import project
from orchestration.schedule.plans import Plan
from spec.timing.cron import SHORT


def systemd(plan: Plan, root: str) -> str:
    """Return a unit that runs one schedule and restarts it after an error and after a reboot.

    Args:
        plan: The schedule.
        root: The folder of all runs.
    """
    unit = f"keras-pipeline-{plan.name.replace(':', '-')}"
    command = _command(root, "serve", plan)
    start = " ".join(_quoted(part) for part in command)
    return f"""\
# Save as ~/.config/systemd/user/{unit}.service, then:
#   systemctl --user daemon-reload && systemctl --user enable --now {unit}
# Secrets, such as PIPELINE_METADATA, go as NAME=VALUE lines into ~/.config/{unit}.env (chmod 600).
[Unit]
Description=Schedule {plan.name}: {plan.schedule.cron or "new spans"} ({plan.schedule.timezone})

[Service]
WorkingDirectory={project.folder().replace("%", "%%")}
EnvironmentFile=-%h/.config/{unit}.env
ExecStart={start}
Restart=on-failure
RestartSec=30
TimeoutStopSec=90

[Install]
WantedBy=default.target
"""


def crontab(plan: Plan, root: str) -> str:
    """Return a line that starts a run at each time; cron does not catch up on missed times.

    Args:
        plan: The schedule.
        root: The folder of all runs.
    """
    command = _command(root, "run-now", plan)
    log = os.path.join(root, ".schedule", "cron.log")
    line = f"mkdir -p {shlex.quote(os.path.dirname(log))} && {shlex.join(command)} >> {shlex.quote(log)} 2>&1"
    cron = plan.schedule.cron or "* * * * *"
    # For cron, % ends the line.
    escaped = line.replace("%", r"\%")
    return f"""\
# {plan.name}: times are in {plan.schedule.timezone}. A cron that supports CRON_TZ (cronie, Red Hat) uses it; in others,
# such as Debian's, times are in the time zone of the machine. Times missed while the machine is off are skipped.
CRON_TZ={plan.schedule.timezone}
{SHORT.get(cron.lower(), cron)} {escaped}
"""


def _command(root: str, action: str, plan: Plan) -> list[str]:
    """Return the command of a schedule, with the project named where it is not the repository."""
    project_option = ["--project", project.folder()] if project.is_separate() else []
    runner = [sys.executable, os.path.join(project.REPOSITORY, "runner.py")]
    return [*runner, *project_option, "--root", root, "schedule", action, plan.name]


def _quoted(text: str) -> str:
    """Quote an argument for systemd, without specifiers and variables."""
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if any(sign.isspace() or sign in "\"'\\" for sign in text) else text
