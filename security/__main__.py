"""`make audit`: check uv.lock against the known vulnerabilities in security/advisories.toml, offline.

It fails if a locked version is affected and not accepted, if an accepted version is not locked or not affected, or if
an entry is incomplete. uv.lock contains both stacks, so both are checked.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli
from packaging.specifiers import InvalidSpecifier, SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
LIST = "security/advisories.toml"
KEYS = ("id", "package", "affected", "severity", "summary", "source")
SEVERITIES = ("low", "medium", "high", "critical")


def problems(advisories: Mapping[str, Any], lock: Mapping[str, Any]) -> list[str]:
    """Compare the list with the lock.

    Args:
        advisories: security/advisories.toml.
        lock: uv.lock.

    Returns:
        One line per problem; empty if there are none.
    """
    locked: dict[str, list[str]] = {}
    for package in lock["package"]:
        locked.setdefault(package["name"], []).append(str(package.get("version", "")))
    lines, entries_seen = [], set()
    for number, entry in enumerate(advisories.get("advisory", []), 1):
        location = f"{LIST}: {entry.get('id') or f'entry {number}'} of {entry.get('package', '?')}"
        errors = list(_entry_errors(entry))
        if (entry.get("id"), entry.get("package")) in entries_seen:
            errors.append("listed twice: remove one")
        entries_seen.add((entry.get("id"), entry.get("package")))
        if not errors and entry["package"] not in locked:
            errors.append("uv.lock does not contain this package: correct its name, or remove the entry")
        lines += [f"{location}: {text}" for text in errors]
        if errors:
            continue
        affected = [version for version in locked[entry["package"]] if _matches(version, entry["affected"])]
        accepted = entry.get("accepted", {}).get("versions", [])
        for version in affected:
            if version not in accepted:
                lines.append(
                    f"{entry['id']} ({entry['severity']}) affects {entry['package']} {version}: {entry['summary']} "
                    "Lock a fixed version, or add `accepted` with the reason why this project is not affected"
                )
        for version in accepted:
            if version not in affected:
                lines.append(f"{location}: accepted for {version}, which is not locked or not affected: remove it")
    return lines


def _entry_errors(entry: Mapping[str, Any]) -> "list[str]":
    """Return the errors of an entry."""
    errors = [f"{key} is missing: add it" for key in KEYS if not entry.get(key)]
    errors += [f"unknown key {key!r}: remove it" for key in entry if key not in (*KEYS, "accepted")]
    if entry.get("severity") and entry["severity"] not in SEVERITIES:
        errors.append(f"severity {entry['severity']!r}: write one of {', '.join(SEVERITIES)}")
    try:
        ranges = entry.get("affected", [])
        if not isinstance(ranges, list):
            raise InvalidSpecifier
        for text in ranges:
            SpecifierSet(text)
    except InvalidSpecifier:
        errors.append('affected: write a list of ranges, as [">=1.0,<1.2"]')
    accepted = entry.get("accepted")
    if accepted is not None:
        errors += [f"accepted.{key} is missing: add it" for key in ("versions", "reason") if not accepted.get(key)]
    return errors


def _matches(version: str, ranges: "list[str]") -> bool:
    return any(SpecifierSet(text).contains(version, prereleases=True) for text in ranges)


def main(arguments: "list[str]") -> int:
    """Check uv.lock and print the problems; the exit code is 1 if there are any.

    Args:
        arguments: `--accepted` also prints the accepted advisories with their reasons.
    """
    advisories = tomli.loads((ROOT / LIST).read_text(encoding="utf-8"))
    lock = tomli.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    lines = problems(advisories, lock)
    for line in lines:
        print(line)
    accepted = [entry for entry in advisories["advisory"] if "accepted" in entry]
    for entry in accepted if "--accepted" in arguments else []:
        versions = ", ".join(entry["accepted"]["versions"])
        print(f"accepted  {entry['id']:<20} {entry['package']} {versions}: {entry['accepted']['reason']}")
    names = {package["name"] for package in lock["package"]}
    print(
        f"audit: {len(names)} locked packages, {len(advisories['advisory'])} advisories of {advisories['date']}, "
        f"{len(lines)} problems, {len(accepted)} accepted"
    )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
