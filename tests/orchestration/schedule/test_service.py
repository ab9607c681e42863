import pytest

import project
from errors import ResourceError
from orchestration.schedule import config_watch, plans, service
from orchestration.schedule.schedule_faults import Faults

from ...attributes import with_attributes

CONFIG = """
[data]
path = "{path}"
{spans}
[columns]
time = "day"
[features]
numeric = [{{column = "area"}}]
[label]
column = "price"
[[schedule]]
name = "watch"
on = "new-span"
"""
SCHEMA = "".join(
    f'feature {{ name: "{name}" type: {kind} presence {{ min_fraction: 1.0 min_count: 1 }} '
    "shape { dim { size: 1 } } }\n"
    for name, kind in (("day", "BYTES"), ("area", "FLOAT"), ("price", "FLOAT"))
)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Writes a pipeline `flats` with a schedule; returns its plan."""
    monkeypatch.setenv(project.VARIABLE, str(tmp_path))
    for name in ("configs", "schemas", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "schemas" / "flats.pbtxt").write_text(SCHEMA)

    @with_attributes
    def write(path, spans=""):
        (tmp_path / "configs" / "flats.toml").write_text(CONFIG.format(path=path, spans=spans))
        [plan] = plans.plans_of("flats", str(tmp_path), ("--data-root", str(tmp_path / "data")))
        return plan

    write.data = tmp_path / "data"
    return write


def rows(*days):
    return "day,area,price\n" + "".join(f"{day},1.5,2.5\n" for day in days)


def test_a_new_span_of_a_column_of_dates_is_detected(tree):
    plan = tree("flats.csv", 'spans = {by = "month"}')
    (tree.data / "flats.csv").write_text(rows("2024-01-30", "2024-02-01"))
    spans = service.Spans(Faults(print))
    february = spans.newest(plan)
    assert spans.newest(plan) == february
    (tree.data / "flats.csv").write_text(rows("2024-01-30", "2024-02-01", "2024-02-02"))
    assert spans.newest(plan) == february, "more rows of the same month"
    (tree.data / "flats.csv").write_text(rows("2024-01-30", "2024-02-01", "2024-03-02"))
    assert int(spans.newest(plan)) == int(february) + 1


def test_a_new_span_of_a_path_is_detected_and_missing_data_is_reported(tree, capsys):
    plan = tree("flats-{SPAN}.csv")
    spans = service.Spans(Faults(print))
    assert spans.newest(plan) is None
    assert "flats:watch: spans cannot be read: data.path: there is no file" in capsys.readouterr().out
    for number in (7, 12):
        (tree.data / f"flats-{number}.csv").write_text(rows("2024-01-30"))
        assert spans.newest(plan) == str(number)


def test_only_one_scheduler_runs_a_schedule_under_a_root(tree, tmp_path):
    plan = tree("flats.csv", 'spans = {by = "month"}')
    root = str(tmp_path / "runs")
    with (
        config_watch.locked(root, plan.name),
        pytest.raises(ResourceError, match=r"another process already runs schedule flats:watch under .*/runs"),
    ):
        service.serve(root, lambda: [plan], None)
    with config_watch.locked(root, plan.name):
        pass
