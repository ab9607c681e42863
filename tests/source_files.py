"""Names of the repository's files: those that git tracks, or would add."""

import subprocess

from .warm import REPOSITORY


def names(*patterns: str) -> list[str]:
    """Return the paths that match one of the patterns of git, relative to the repository; without patterns, all."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (REPOSITORY / name).is_file()]


def modules() -> list[str]:
    """Return the paths of all Python files outside tests."""
    paths = [name for name in names("*.py") if not name.startswith("tests/")]
    assert len(paths) > 200
    return paths
