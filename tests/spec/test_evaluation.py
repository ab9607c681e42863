import pytest
from pydantic import ValidationError

from components.evaluator import metric_catalog
from spec.columns.label import Label
from spec.evaluation import Evaluation

METRICS = {task: metric_catalog.names(task) for task in metric_catalog.MEASURES}
LABELS = {
    "regression": Label(column="y"),
    "binary": Label(column="y", task="binary", positive="yes"),
    "classes": Label(column="y", task="classes", classes=("cheap", "dear", "fair", "free")),
    "anomaly": Label(column="y", task="anomaly", positive="odd"),
    "clusters": Label(task="clusters"),
}
AGE = {"column": "age", "edges": [18, 65]}


def made(**keys):
    return Evaluation.model_validate(keys)


def part(name, column=None, edges=None, quantiles=None):
    if column is None:
        return {"name": name, "column": name}
    return {"name": name, "column": column, "edges": edges, "quantiles": quantiles}


def test_slicings_are_columns_buckets_and_crosses():
    evaluation = made(slices=["city", AGE, ["city", AGE], {"column": "rent", "quantiles": 4}])
    age = part("age_bucket", "age", [18.0, 65.0])

    assert evaluation.parts() == [
        [part("city")],
        [age],
        [part("city"), age],
        [part("rent_bucket", "rent", None, 4)],
    ]
    assert evaluation.slicings == (("city",), ("age_bucket",), ("city", "age_bucket"), ("rent_bucket",))


def test_a_slicing_that_only_a_rule_names_is_made():
    evaluation = made(
        slices=["city", AGE],
        rules=[
            {"metric": "mae", "slice": {"city": "bern"}, "floor": 1},
            {"metric": "mae", "slice": {"floor": 2}, "floor": 1},
            {"metric": "mae", "floor": 1},
        ],
        gaps=[{"metric": "mae", "slice": ["age_bucket", "city"], "max_difference": 1}],
    )

    assert evaluation.slicings == (("city",), ("age_bucket",), ("floor",), ("age_bucket", "city"))
    assert evaluation.parts()[3][0] == part("age_bucket", "age", [18.0, 65.0])


def test_a_baseline_is_one_comparison_or_several():
    of_mae, of_r2 = {"metric": "mae"}, {"metric": "r2", "tolerance": 0.1}

    assert made(baseline=of_mae) == made(baseline=[of_mae])
    assert [entry.metric for entry in made(baseline=[of_mae, of_r2]).baseline] == ["mae", "r2"]


def test_columns_of_an_evaluation_have_their_key_and_what_fits():
    evaluation = made(
        slices=["city", AGE],
        rules=[
            {"metric": "mae", "slice": {"city": "bern", "rooms": 3, "share": 0.5}, "floor": 1},
            {"metric": "mae", "slice": {"age_bucket": "from 65"}, "floor": 1},
            {"metric": "mae", "slice": {"rooms": "(missing)"}, "floor": 1},
        ],
        gaps=[{"metric": "mae", "slice": "sex", "max_difference": 1}],
    )

    assert [entry[:3] for entry in evaluation.columns()] == [
        ("evaluation.slices", "city", ()),
        ("evaluation.slices", "age", ("INT", "FLOAT")),
        ("evaluation.rules.0.slice", "city", ("BYTES",)),
        ("evaluation.rules.0.slice", "rooms", ("INT", "FLOAT")),
        ("evaluation.rules.0.slice", "share", ("FLOAT",)),
        ("evaluation.rules.2.slice", "rooms", ()),
        ("evaluation.gaps.0.slice", "sex", ()),
    ]


RULE = {"metric": "mae", "floor": 1}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"slices": [{"column": "age"}]}, r"give either edges = \[\.\.\.\] or quantiles = N"),
        ({"slices": [{**AGE, "quantiles": 3}]}, "give either edges"),
        ({"slices": [{"column": "age", "edges": [2, 1]}]}, "edges must be ascending"),
        ({"slices": [{"column": "age", "edges": []}]}, "edges must be ascending"),
        ({"slices": [[]]}, "a list of columns must not be empty"),
        ({"slices": [["a", "a"]]}, "'a' is crossed with itself"),
        ({"slices": [3]}, r'should be "COLUMN", \{column = "COLUMN", edges = \[\.\.\.\]\} or a list of these'),
        ({"slices": [["a", ["b"]]]}, r'should be "COLUMN" or \{column = "COLUMN", edges = \[\.\.\.\]\}'),
        (
            {"slices": [AGE, {"column": "age", "quantiles": 3}]},
            "'age_bucket' has two definitions: write the same edges or quantiles in both",
        ),
        ({"rules": [{"metric": "mae", "better_than": "svm"}]}, "better_than"),
        ({"rules": [{"metric": "mae"}]}, "give floor = NUMBER, tolerance = NUMBER or better_than"),
        ({"rules": [{**RULE, "slice": 3}]}, r'should be "COLUMN", a list of columns, or \{COLUMN = VALUE\}'),
        ({"rules": [{**RULE, "slice": {"a": True}}]}, "the value of a slice must be a string or a number"),
        ({"rules": [{**RULE, "slice": {}}]}, r"rules\.0\.slice: name one or more columns, each once"),
        ({"rules": [{**RULE, "slice": ["a", "a"]}]}, r"rules\.0\.slice: name one or more columns, each once"),
        (
            {"slices": [AGE], "rules": [RULE, {**RULE, "slice": {"age_bucket": "18 bis 65"}}]},
            r"rules\.1\.slice: age_bucket has no slice '18 bis 65'\. Did you mean '18 to 65'\?",
        ),
        ({"gaps": [{"metric": "mae", "slice": "a", "max_difference": -1}]}, "greater than or equal to 0"),
        ({"threshold": 1.0}, "less than 1"),
        ({"top_k": 0}, "greater than or equal to 1"),
        ({"max_slices": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_is_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        made(**keys)


@pytest.mark.parametrize(
    ("task", "keys", "reason"),
    [
        ("regression", {"plain": False}, "evaluation.plain = false"),
        ("anomaly", {}, "task 'anomaly' has none"),
    ],
)
def test_a_rule_relative_to_a_plain_model_needs_one(task, keys, reason):
    metric = METRICS[task][0]
    evaluation = made(rules=[{"metric": metric, "better_than": "linear"}], **keys)
    with pytest.raises(ValueError, match=f"evaluation.rules.0: better_than needs plain models, and {reason}: remove"):
        evaluation.check(LABELS[task], METRICS[task])


@pytest.mark.parametrize("task", METRICS)
def test_each_metric_of_a_task_can_be_demanded(task):
    for metric in METRICS[task]:
        name = metric.replace("CLASS", "dear")
        made(
            floor={name: 1.0},
            baseline={"metric": name},
            rules=[{"metric": name, "floor": 1}],
            gaps=[{"metric": name, "slice": "a", "max_difference": 1}],
        ).check(LABELS[task], METRICS[task])


@pytest.mark.parametrize(
    ("task", "keys", "message"),
    [
        (
            "binary",
            {"floor": {"pr_acu": 1}},
            r"floor: metric 'pr_acu' is unknown for task binary\. Did you mean 'pr_auc'\? Known metrics: accuracy, ",
        ),
        (
            "binary",
            {"baseline": [{"metric": "mae"}]},
            r"evaluation\.baseline: metric 'mae' is unknown for .* metrics: accuracy",
        ),
        (
            "anomaly",
            {"rules": [{"metric": "f1", "floor": 1}]},
            r"evaluation\.rules\.0: metric 'f1' is unknown for task ano",
        ),
        (
            "clusters",
            {"gaps": [{"metric": "auc", "slice": "a", "max_difference": 1}]},
            r"evaluation\.gaps\.0: metric 'auc'",
        ),
        ("classes", {"floor": {"recall[dea]": 1}}, r"metric 'recall\[dea\]' .*Did you mean 'recall\[dear\]'\?"),
        ("classes", {"floor": {"recall[CLASS]": 1}}, r"metric 'recall\[CLASS\]'"),
        ("binary", {"floor": {"recall[yes]": 1}}, r"metric 'recall\[yes\]' .*Did you mean 'recall'\?"),
        ("regression", {"threshold": 0.4}, "threshold has no effect for task 'regression': remove it"),
        ("binary", {"top_k": 2}, "top_k has no effect for task 'binary'"),
        ("classes", {"floor": {"top_k_accuracy": 0.9}, "top_k": 4}, "top_k_accuracy of 4 classes is always 1"),
        ("classes", {"precision_at": 2}, "precision_at has no effect for task 'classes'"),
    ],
)
def test_metrics_and_keys_of_another_task_are_refused(task, keys, message):
    with pytest.raises(ValueError, match=message):
        made(**keys).check(LABELS[task], METRICS[task])


def test_any_class_is_accepted_where_only_the_data_defines_the_classes():
    made(floor={"recall[blue]": 0.5}).check(Label(column="y", task="classes"), METRICS["classes"])
