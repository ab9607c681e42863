"""The states and files of a run have one vocabulary."""

import inspect
import re
import typing
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb

from inspection import plain_records, run_files, text_output
from inspection.read import schedule_history
from inspection.report import markup, page
from inspection.report.sections import head_section
from orchestration.display import terminal
from orchestration.local import supervisor

STATES = {*run_files.RUN_STATES, *run_files.STAGE_STATES, *run_files.FIRE_STATES}


def test_the_terminal_and_the_report_show_documented_states():
    assert {*terminal.WORDS, *terminal.STYLES} - {""} <= set(run_files.STAGE_STATES)
    states = re.findall(r'"([A-Z]{2,}(?:[_ ][A-Z]+)*)": ', inspect.getsource(head_section))
    assert states
    assert set(states) <= set(run_files.RUN_STATES)
    colored = {name for name in text_output._COLORS if name.isupper()}
    assert colored == {*STATES, "ERROR", "WARNING"}


def test_the_supervisor_ends_runs_with_documented_states():
    states = set(re.findall(r'"([A-Z]{2,}(?:_[A-Z]+)*)"', inspect.getsource(supervisor)))
    assert {"COMPLETE", "NOT_BLESSED", "BLOCKED", "FAILED", "CANCELED"} <= states
    assert states <= set(run_files.RUN_STATES)


def test_a_scheduled_run_has_the_states_of_runs_and_those_of_times_without_one():
    without = {"WAITING", "UNCHANGED", "SKIPPED"}
    assert set(run_files.FIRE_STATES) == {*run_files.RUN_STATES, *without} - {"UNKNOWN"}
    assert set(run_files.FORMER_FIRE_STATES.values()) < set(run_files.RUN_STATES)


def test_the_pages_color_every_state():
    style = Path(page.__file__).with_name("style.css").read_text()
    assert {markup.css(name) for name in STATES} == set(re.findall(r"\.state\.([a-z-]+)", style))


def test_states_of_scheduled_runs_are_waiting_running_or_ended():
    assert {*schedule_history.ENDED, "WAITING", "RUNNING"} == set(run_files.FIRE_STATES)


def test_an_artifact_has_the_states_of_ml_metadata_or_is_missing():
    assert set(run_files.ARTIFACT_STATES) == {*pb.Artifact.State.keys(), plain_records.MISSING}


def test_each_documented_key_has_a_type():
    for file in (run_files.RunFile, run_files.Attempt, run_files.Outcome, run_files.VerdictFile):
        assert typing.get_type_hints(file)
