"""`make audit`: check uv.lock against the known faults in security/advisories.toml, without a network.

It fails where a locked version is affected and not accepted, where an acceptance matches no locked version any more,
and where an entry is incomplete. Both stacks are in the one lock, so both are checked.
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


def faults(known: Mapping[str, Any], lock: Mapping[str, Any]) -> list[str]:
    """Compare the list with the lock.

    Args:
        known: security/advisories.toml.
        lock: uv.lock.

    Returns:
        One line for each thing that must be put right; empty where there is none.
    """
    locked: dict[str, list[str]] = {}
    for package in lock["package"]:
        locked.setdefault(package["name"], []).append(str(package.get("version", "")))
    found, seen = [], set()
    for number, entry in enumerate(known.get("advisory", []), 1):
        where = f"{LIST}: {entry.get('id') or f'entry {number}'} of {entry.get('package', '?')}"
        wrong = list(_incomplete(entry))
        if (entry.get("id"), entry.get("package")) in seen:
            wrong.append("it is listed twice: remove one")
        seen.add((entry.get("id"), entry.get("package")))
        if not wrong and entry["package"] not in locked:
            wrong.append("uv.lock has no such package: correct its name, or remove the entry")
        found += [f"{where}: {text}" for text in wrong]
        if wrong:
            continue
        affected = [version for version in locked[entry["package"]] if _matches(version, entry["affected"])]
        accepted = entry.get("accepted", {}).get("versions", [])
        for version in affected:
            if version not in accepted:
                found.append(
                    f"{entry['id']} ({entry['severity']}) affects {entry['package']} {version}: {entry['summary']} "
                    "Lock a version without it, or accept it in the list with the reason why it does no harm here"
                )
        for version in accepted:
            if version not in affected:
                found.append(f"{where}: accepted for {version}, which is not locked or not affected: remove it")
    return found


def _incomplete(entry: Mapping[str, Any]) -> "list[str]":
    """What an entry lacks."""
    wrong = [f"it has no {key}: add it" for key in KEYS if not entry.get(key)]
    wrong += [f"unknown key {key!r}: remove it" for key in entry if key not in (*KEYS, "accepted")]
    if entry.get("severity") and entry["severity"] not in SEVERITIES:
        wrong.append(f"severity {entry['severity']!r}: write one of {', '.join(SEVERITIES)}")
    try:
        ranges = entry.get("affected", [])
        if not isinstance(ranges, list):
            raise InvalidSpecifier
        for text in ranges:
            SpecifierSet(text)
    except InvalidSpecifier:
        wrong.append('affected: write a list of ranges, as [">=1.0,<1.2"]')
    accepted = entry.get("accepted")
    if accepted is not None:
        wrong += [f"accepted has no {key}: add it" for key in ("versions", "reason") if not accepted.get(key)]
    return wrong


def _matches(version: str, ranges: "list[str]") -> bool:
    return any(SpecifierSet(text).contains(version, prereleases=True) for text in ranges)


def main(arguments: "list[str]") -> int:
    """Check, and print what was found; the exit code is 1 where something must be put right.

    Args:
        arguments: `--accepted` prints what is accepted too, with the reasons.
    """
    known = tomli.loads((ROOT / LIST).read_text(encoding="utf-8"))
    lock = tomli.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    found = faults(known, lock)
    for line in found:
        print(line)
    accepted = [entry for entry in known["advisory"] if "accepted" in entry]
    for entry in accepted if "--accepted" in arguments else []:
        versions = ", ".join(entry["accepted"]["versions"])
        print(f"accepted  {entry['id']:<20} {entry['package']} {versions}: {entry['accepted']['reason']}")
    names = {package["name"] for package in lock["package"]}
    print(
        f"audit: {len(names)} locked packages against {len(known['advisory'])} advisories of {known['date']}: "
        f"{len(found)} to put right, {len(accepted)} accepted"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
