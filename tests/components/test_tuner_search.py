"""The search with a training of arithmetic: what is trained, kept, taken up and judged."""

import csv
import io
import json
import random
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from components.tuner import executor, search, trial_plot, trial_pool, trial_tables, trials
from components.tuner.trials import Result, Store, Trial
from errors import ResourceError
from spec.tuning import Tuning

SPACE = {
    "network.layers": {"choices": [[32], [64, 64], [128, 64]]},
    "training.optimizer.learning_rate": {"low": 1e-4, "high": 1e-1, "scale": "log"},
}
SECTIONS = {
    "network": {"name": "mlp", "layers": [64, 64]},
    "training": {"optimizer": {"name": "adam", "learning_rate": 1e-3}, "epochs": 60},
}


def settings(**values):
    return Tuning.model_validate({"space": SPACE, **values})


class Arithmetic:
    """Trains without training, in an order of its own, and remembers what it was given."""

    def __init__(self, order=0, stop_after=None, diverge=0.05):
        self.given, self._order, self._left, self._diverge = [], random.Random(order), stop_after, diverge

    def __call__(self, jobs):
        names = list(jobs)
        self._order.shuffle(names)
        for number in names:
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    raise KeyboardInterrupt
            self.given.append(jobs[number])
            rate = jobs[number]["training"]["optimizer"]["learning_rate"]
            if rate > self._diverge:
                yield number, Result(failure="training: loss became nan in epoch 1", seconds=0.5)
            else:
                loss = abs(rate - 0.01) + 0.001 * len(jobs[number]["network"]["layers"])
                yield number, Result(metrics={"loss": loss, "mae": 2 * loss}, epochs=9, best_epoch=7, seconds=1.5)


def find(folder, train, decides=None, anew=False, **values):
    store = Store(str(folder), decides or {"data": "a"}, anew=anew)
    return search.search(settings(**values), SECTIONS, train=train, store=store)[0]


def lines(finished_trials):
    return [trial.line(best=False) for trial in finished_trials]


@pytest.mark.parametrize("method", ["random", "bayesian", "hyperband"])
def test_the_order_in_which_trials_end_changes_nothing(tmp_path, method):
    first_order, second_order = (
        find(tmp_path / str(order), Arithmetic(order), method=method, trials=8) for order in (1, 2)
    )

    assert lines(first_order) == lines(second_order)


@pytest.mark.parametrize("method", ["random", "bayesian", "hyperband"])
def test_a_stopped_search_is_taken_up_and_trains_only_what_is_missing(tmp_path, method):
    values = {"method": method, "trials": 8}
    complete_search = find(tmp_path / "whole", everything := Arithmetic(), **values)
    stopped, resumed = Arithmetic(stop_after=5), Arithmetic()
    with pytest.raises(KeyboardInterrupt):
        find(tmp_path / "stopped", stopped, **values)
    resumed_trials = find(tmp_path / "stopped", resumed, **values)

    assert [trial.earlier for trial in resumed_trials].count(True) == 5
    assert len(resumed.given) == len(everything.given) - 5
    assert [{**line, "earlier": False} for line in lines(resumed_trials)] == lines(complete_search)


@pytest.mark.parametrize("scheme", ["gs", "s3", "minio"])
def test_results_in_a_bucket_are_taken_up_as_on_a_disk(gcs, s3, scheme):
    trained = [Arithmetic() for _ in range(3)]
    for train, anew in zip(trained, (False, False, True), strict=True):
        find(f"{scheme}://bucket/trials-{scheme}", train, trials=4, anew=anew)
    assert [len(train.given) for train in trained] == [4, 0, 4]


def test_a_bucket_of_results_that_may_not_be_used_stops_the_stage(gcs):
    gcs.denied = "bucket-of-others"
    with pytest.raises(ResourceError, match=r"^gs://bucket-of-others/t: results of trials cannot be .*permission den"):
        find("gs://bucket-of-others/t", Arithmetic(), trials=2)


def test_what_decides_a_trial_names_its_result(tmp_path):
    def trained(**values):
        train = Arithmetic()
        find(tmp_path, train, **values)
        return len(train.given)

    assert trained(trials=8) == 8
    assert trained(trials=8) == 0
    assert trained(trials=12) == 4
    assert trained(trials=8, parallel=2) == 0
    assert trained(trials=8, decides={"data": "b"}) == 8
    assert trained(trials=8, seed=2) == 7  # the config's own values are the same
    assert trained(trials=8, epochs=5) == 8
    assert trained(trials=8, anew=True) == 8


def test_a_result_that_the_machine_spoilt_is_not_kept(tmp_path):
    def killed(jobs):
        for number in jobs:
            yield number, Result(failure="its process was killed by signal 9", keep=False)

    assert all(trial.score is None for trial in find(tmp_path, killed, trials=3))
    train = Arithmetic()
    find(tmp_path, train, trials=3)
    assert len(train.given) == 3


def test_the_config_itself_is_trial_0_and_the_best_is_never_worse(tmp_path):
    finished = find(tmp_path, Arithmetic(), trials=10)
    best = trials.best(finished, settings())

    assert finished[0].values == {"network.layers": [64, 64], "training.optimizer.learning_rate": 1e-3}
    assert best.score == min(trial.score for trial in finished if trial.score is not None) <= finished[0].score


def test_a_trial_without_a_number_is_failed_and_never_the_best(tmp_path):
    finished = find(tmp_path, Arithmetic(diverge=0.002), trials=10)
    failed = [trial for trial in finished if trial.score is None]
    nan = Trial(number=9, values={}, most_epochs=1, result=Result(metrics={"loss": float("nan")}), score=None)

    assert 0 < len(failed) < 10
    assert all(trial.values["training.optimizer.learning_rate"] > 0.002 for trial in failed)
    assert trials.best([*finished, nan], settings()).score is not None
    assert trials.score(nan.result, "loss") is None
    assert trials.best(failed, settings()) is None


def test_an_accuracy_is_best_where_it_is_highest(tmp_path):
    results = [Result(metrics={"loss": 1.0, "accuracy": value}) for value in (0.5, 0.9, 0.9, 0.7)]
    finished = [
        Trial(number=at, values={}, most_epochs=1, result=result, score=trials.score(result, "accuracy"))
        for at, result in enumerate(results)
    ]

    assert trials.best(finished, settings(objective="accuracy")).number == 1


def test_the_error_when_all_trials_fail_lists_the_reasons(tmp_path):
    message = executor._all_failed(find(tmp_path, Arithmetic(diverge=0), trials=4))

    assert message == (
        "tuner: all 4 trials failed, so there are no best values:\n  training: loss became nan in epoch 1"
    )


def test_the_line_names_the_best_the_default_and_the_failed(tmp_path):
    finished = find(tmp_path, Arithmetic(diverge=0.03), trials=10)
    best = trials.best(finished, settings())
    failed = sum(trial.score is None for trial in finished)

    assert executor._summary(finished, best, settings()) == (
        f"trial {best.number} of 10 is the best: eval loss {best.score:.4g} (the config's own: 0.011); {failed} failed"
    )
    assert executor._summary(finished[:1], finished[0], settings()) == (
        "the config's own values are the best of 1 trials: eval loss 0.011"
    )


def test_the_table_is_the_same_in_three_forms(tmp_path):
    finished = find(tmp_path, Arithmetic(diverge=0.03), trials=10)
    best = trials.best(finished, settings())
    rows = list(csv.reader(io.StringIO(trial_tables.comma_separated(finished, best))))
    records = [json.loads(line) for line in trial_tables.jsonl(finished, best).splitlines()]

    assert rows[0] == [
        *(
            "trial",
            "network.layers",
            "training.optimizer.learning_rate",
            "eval loss",
            "eval mae",
            "epochs",
            "seconds",
            "",
        )
    ]
    assert rows[1] == ["0", "[64, 64]", "0.001", "0.011", "0.022", "7 of 9", "1.5", "the config's own values"]
    assert [record["trial"] for record in records if record["best"]] == [best.number]
    assert [row[-1] for row in rows if "best" in row[-1]] == ["best"]
    assert sum("failed: training: loss became nan" in row[-1] for row in rows) == sum(
        record["state"] == "FAILED" for record in records
    )
    marked = trial_tables.markdown(finished, best).splitlines()
    assert len(marked) == 12
    assert [line for line in marked if f"**{best.number}**" in line] == [line for line in marked if "**best**" in line]


def test_the_plot_has_a_mark_for_each_trial_in_each_panel(tmp_path):
    finished = find(tmp_path, Arithmetic(diverge=0.03), trials=10)
    drawn = trial_plot.draw(finished, trials.best(finished, settings()), settings())
    root = ElementTree.fromstring(drawn)
    name = "{http://www.w3.org/2000/svg}"
    failed = sum(trial.score is None for trial in finished)

    assert len(root.findall(f".//{name}circle")) == 3 * (10 - failed)
    assert len(root.findall(f".//{name}path")) == 3 * 2 * failed
    assert drawn.count(f'fill="{trial_plot.BEST}" fill-opacity') == 3
    assert {"0.0001", "0.001", "0.01", "0.1"} <= {text.text for text in root.iter(f"{name}text")}
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")
    for circle in root.iter(f"{name}circle"):
        assert trial_plot.LEFT <= float(circle.get("cx")) <= trial_plot.WIDTH - trial_plot.RIGHT
        assert trial_plot.TOP <= float(circle.get("cy")) <= trial_plot.HEIGHT - trial_plot.BOTTOM


def test_one_trial_or_equal_scores_are_drawn_too(tmp_path):
    first, second = find(tmp_path, Arithmetic(), trials=2)

    for finished in ([first], [first, replace(second, score=first.score)]):
        root = ElementTree.fromstring(trial_plot.draw(finished, first, settings()))
        assert len(root.findall(".//{http://www.w3.org/2000/svg}circle")) == 3 * len(finished)


def test_the_content_of_what_trials_read_counts_and_not_its_place(tmp_path):
    digests = []
    for place, rows, vocabulary in (("one", "a", "v"), ("two", "a", "v"), ("three", "b", "v"), ("four", "a", "w")):
        (tmp_path / place / "graph" / "assets").mkdir(parents=True)
        (tmp_path / place / "rows.gz").write_text(rows)
        (tmp_path / place / "other.gz").write_text(place)
        (tmp_path / place / "graph" / "assets" / "words").write_text(vocabulary)
        digests.append(trials.content({"train": [str(tmp_path / place / "rows.gz")]}, str(tmp_path / place / "graph")))

    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("parallel", "jobs", "cores", "size"),
    [(None, 20, 8, 4), (None, 20, 1, 1), (6, 20, 4, 4), (3, 2, 8, 2), (1, 9, 9, 1)],
)
def test_trials_run_within_the_cores(parallel, jobs, cores, size):
    assert trial_pool.size(parallel, jobs, cores) == size
