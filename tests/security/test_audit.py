import runpy
from pathlib import Path

import pytest
import tomli

ROOT = Path(__file__).parents[2]
AUDIT = runpy.run_path(str(ROOT / "security" / "__main__.py"), run_name="audit")
LOCK = {"package": [{"name": "wheels", "version": "1.0.3"}, {"name": "wheels", "version": "2.4.0"}, {"name": "own"}]}


def entry(**changes):
    advisory = {
        "id": "CVE-1",
        "package": "wheels",
        "affected": [">=1.0,<1.1", "==3.0"],
        "severity": "high",
        "summary": "It turns.",
        "source": "somebody",
        "accepted": {"versions": ["1.0.3"], "reason": "nothing turns here"},
    }
    return {key: value for key, value in {**advisory, **changes}.items() if value is not None}


def faults(*entries):
    return AUDIT["problems"]({"advisory": list(entries)}, LOCK)


def test_the_lock_has_no_fault_that_is_not_accepted_with_a_reason():
    advisories = tomli.loads((ROOT / "security" / "advisories.toml").read_text())
    lock = tomli.loads((ROOT / "uv.lock").read_text())
    assert AUDIT["problems"](advisories, lock) == []
    assert len(advisories["advisory"]) >= 50


def test_an_affected_version_of_either_stack_needs_an_acceptance():
    assert faults(entry()) == []
    assert faults(entry(accepted=None)) == [
        "CVE-1 (high) affects wheels 1.0.3: It turns. Lock a fixed version, or add `accepted` with the reason why this "
        "project is not affected"
    ]
    [line] = faults(entry(affected=["<2.5"]))
    assert line.startswith("CVE-1 (high) affects wheels 2.4.0: ")


@pytest.mark.parametrize("affected", [["<1.0"], [">=1.0.4,<2"], ["<1.0.3rc1"]])
def test_an_acceptance_that_no_longer_matches_is_reported(affected):
    [line] = faults(entry(affected=affected))
    assert line == (
        "security/advisories.toml: CVE-1 of wheels: accepted for 1.0.3, which is not locked or not affected: remove it"
    )


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"accepted": {"versions": ["1.0.3"]}}, "accepted.reason is missing: add it"),
        ({"accepted": {"versions": ["1.0.3"], "reason": ""}}, "accepted.reason is missing: add it"),
        ({"accepted": {"reason": "so"}}, "accepted.versions is missing: add it"),
        ({"summary": None}, "summary is missing: add it"),
        ({"affected": []}, "affected is missing: add it"),
        ({"affected": ["old ones"]}, 'affected: write a list of ranges, as [">=1.0,<1.2"]'),
        ({"affected": "<2"}, 'affected: write a list of ranges, as [">=1.0,<1.2"]'),
        ({"severity": "bad"}, "severity 'bad': write one of low, medium, high, critical"),
        (
            {"package": "wheel", "accepted": None},
            "uv.lock does not contain this package: correct its name, or remove the entry",
        ),
        ({"note": "x"}, "unknown key 'note': remove it"),
    ],
)
def test_an_incomplete_entry_is_reported(changes, wrong):
    assert [line.rpartition("wheels: ")[2].rpartition("wheel: ")[2] for line in faults(entry(**changes))] == [wrong]


def test_a_duplicate_entry_is_reported():
    [line] = faults(entry(), entry())
    assert line == "security/advisories.toml: CVE-1 of wheels: listed twice: remove one"
