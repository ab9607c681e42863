"""The report's figures are those of TFDV's and TFMA's own loaders on the same artifacts."""

import html
import os
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from inspection.report import write_report
from inspection.report.markup import share
from inspection.store.metadata_store import Store
from inspection.text_output import number

MADE = runpy.run_path(str(Path(__file__).parents[1] / "inspection/made.py"))
RANDOM = np.random.default_rng(3)
ROWS = 400


def tables(text):
    """Caption -> rows of texts, the header first, of the tables that have one."""
    reported_values = {}
    for inner in re.findall(r"<table>(.*?)</table>", text, re.S):
        caption = re.search(r"<caption>(.*?)</caption>", inner, re.S)
        rows = re.findall(r"<tr>(.*?)</tr>", inner, re.S)
        cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in rows]
        plain = [[html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in cells]
        reported_values.setdefault(html.unescape(caption.group(1)) if caption else "", plain)
    return reported_values


def tfma_records(path):
    import tensorflow as tf
    from tensorflow_model_analysis.proto import metrics_for_slice_pb2

    for record in tf.data.TFRecordDataset(path):
        yield metrics_for_slice_pb2.MetricsForSlice.FromString(record.numpy())


@pytest.fixture
def reported(tmp_path):
    """Writes the report of a run with one artifact, and returns its tables."""

    def run(key, kind, folder):
        writer = MADE["shared"].TfxWriter(tmp_path / "metadata.sqlite")
        run = writer.run("r", run_folder=str(tmp_path))
        examples = run.node("ingestion", outputs=[("examples", "Examples")])
        run.node("node", inputs=[("examples", examples[0])], outputs=[(key, kind)], uri=str(folder))
        run.end("COMPLETE")
        write_report.write(Store(writer.store, location="here"), "r", str(tmp_path))
        return tables((tmp_path / "report.html").read_text())

    return run


def test_statistics_are_those_that_tfdv_loads(reported, tmp_path):
    import pandas as pd
    import tensorflow_data_validation as tfdv

    for split, shift in (("train", 0.0), ("eval", 1.5)):
        frame = pd.DataFrame(
            {
                "number": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.normal(shift, 2, ROWS)).astype(np.float32),
                "whole": RANDOM.integers(-5, 50, ROWS),
                "word": RANDOM.choice(["a", "b", "<c>", "dé"], ROWS, p=[0.5, 0.3, 0.15, 0.05]),
            }
        )
        folder = tmp_path / "statistics" / f"Split-{split}"
        os.makedirs(folder)
        statistics = tfdv.generate_statistics_from_dataframe(frame)
        (folder / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    reported_values = reported("statistics", "ExampleStatistics", tmp_path / "statistics")
    expected = {
        split: tfdv.load_stats_binary(str(tmp_path / f"statistics/Split-{split}/FeatureStats.pb")).datasets[0]
        for split in ("train", "eval")
    }
    assert reported_values["Rows by split"][1:] == [
        [split, number(set_.num_examples)] for split, set_ in expected.items()
    ]
    head, *rows = next(rows for caption, rows in reported_values.items() if caption.startswith("Columns"))
    by_name = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    for split, set_ in expected.items():
        for feature in set_.features:
            name = feature.path.step[0]
            recorded, numeric = by_name[name], feature.WhichOneof("stats") == "num_stats"
            stats = feature.num_stats if numeric else feature.string_stats
            common = stats.common_stats
            assert recorded[f"nulls, {split}"] == share(common.num_missing / set_.num_examples)
            if numeric:
                assert recorded[f"mean or most frequent, {split}"] == number(stats.mean)
                if split == "train":
                    assert (recorded["min"], recorded["max"]) == (number(stats.min), number(stats.max))
                histogram = next(entry for entry in stats.histograms if entry.type == 0)
                buckets = [
                    [number(bucket.low_value), number(bucket.high_value), number(bucket.sample_count)]
                    for bucket in histogram.buckets
                ]
                assert [row[1:4] for row in reported_values[name][1:] if row[0] == split] == buckets
            else:
                assert recorded[f"mean or most frequent, {split}"] == stats.top_values[0].value
                if split == "train":
                    assert recorded["unique values"] == number(stats.unique)
                place = reported_values[name][0].index(split)
                shares = {
                    bucket.label: share(bucket.sample_count / common.tot_num_values)
                    for bucket in stats.rank_histogram.buckets
                }
                assert {row[0]: row[place] for row in reported_values[name][1:]} == shares


def test_metrics_intervals_slices_and_curves_are_those_that_tfma_loads(judged, reported):
    import tensorflow_model_analysis as tfma

    label = RANDOM.integers(0, 2, ROWS)
    probability = np.clip(0.6 * RANDOM.random(ROWS) + 0.4 * label, 0, 1).astype(np.float32)
    city = [[b"bern", b"chur"][place] for place in RANDOM.integers(0, 2, ROWS)]
    run = judged(
        "binary",
        {"y": label.astype(np.float32), "p1": probability, "city": city},
        names=["no", "yes"],
        types_of={"city": "BYTES"},
        slices=[[{"column": "city", "name": "city"}]],
    )
    reported_values = reported("evaluation", "ModelEvaluation", run.folder)
    result = tfma.load_eval_result(run.folder)
    by_slice = {key: metrics[""][""] for key, metrics in result.slicing_metrics}

    def value(metric):
        recorded = metric.get("boundedValue", metric)
        return recorded["value"] if "value" in recorded else recorded["doubleValue"]

    [overall] = [rows for caption, rows in reported_values.items() if caption.startswith("Metrics, split test")]
    # TFMA's own values of the metrics that are exact here are in its files alone.
    left_out = {"example_count", "tfma_auc", "tfma_pr_auc"}
    assert left_out <= set(by_slice[()])
    expected = {name: number(value(metric)) for name, metric in by_slice[()].items() if name not in left_out}
    assert {row[0]: row[1] for row in overall[1:]} == expected
    ends = {}
    for record in tfma_records(f"{run.folder}/metrics-00000-of-00001.tfrecord"):
        if not record.slice_key.single_slice_keys:
            for entry in record.metric_keys_and_values:
                reach = entry.confidence_interval
                ends[entry.key.name] = [
                    number(reach.lower_bound.double_value.value),
                    number(reach.upper_bound.double_value.value),
                ]
    reported_ends = {row[0]: row[2:4] for row in overall[1:] if row[2] != "-"}
    assert len(reported_ends) > 4
    assert reported_ends == {name: ends[name] for name in reported_ends}
    head, *rows = next(rows for caption, rows in reported_values.items() if caption.startswith("All metrics by slice"))
    assert len(rows) == len(by_slice) - 1 == 2
    for row in rows:
        column, _, name = row[0].partition(" = ")
        metrics = by_slice[((column, name),)]
        assert row[1] == number(value(metrics["example_count"]))
        assert row[2:] == [number(value(metrics[metric])) for metric in head[2:]]
    [(_, plots)] = result.plots
    matrices = plots[""][""]["confusionMatrixAtThresholds"]["matrices"]
    _, *cuts = reported_values["By threshold"]
    assert len(cuts) > 15
    by_threshold = {number(float(entry.get("threshold", 0))): entry for entry in matrices}
    for threshold, recall, fall_out, precision in cuts:
        cell = {name: float(by_threshold[threshold].get(name, 0)) for name in by_threshold[threshold]}
        true, false = cell.get("truePositives", 0), cell.get("falsePositives", 0)
        missed, negatives = cell.get("falseNegatives", 0), cell.get("trueNegatives", 0)
        assert recall == number(true / (true + missed))
        assert fall_out == number(false / (false + negatives))
        assert precision == number(cell.get("precision", 0))
