"""Writer of a store with complete synthetic runs: python tests/inspection/made.py FOLDER [hostile].

Five runs: two of `houses` (regression, with different data), one of `taxi` (binary, not blessed), one of `digits`
(classes, images), and one of `houses` that a gate blocked. With `hostile`, every name that comes from user data would
run a script, close an attribute or leave a folder if a page did not escape it. Needs no TensorFlow. It is
one file because tests in other folders load it by its path.
"""

import contextlib
import importlib.util
import json
import math
import os
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inspection.read.tfma_protos import tfma_proto

_spec = importlib.util.spec_from_file_location("inspection_conftest", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
shared: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)

REPOSITORY = Path(__file__).parents[2]
SCRIPT = "<script>alert(1)</script>"
QUOTES = "\"'><img src=x onerror=alert(2)>"
CLIMB = "../../../etc/passwd"
NODES = ["ingestion", "schema", "statistics", "validation", "trainer", "evaluator", "pusher"]
UPSTREAM = {"statistics": ["ingestion"], "validation": ["statistics", "schema"], "trainer": ["validation"]}
UPSTREAM |= {"evaluator": ["trainer", "ingestion"], "pusher": ["evaluator"]}


class Names:
    """Names of columns, values and runs."""

    def __init__(self, hostile: bool) -> None:
        self.number = SCRIPT if hostile else "sqft"
        self.word = QUOTES if hostile else "zipcode"
        self.values = (SCRIPT, QUOTES, CLIMB) if hostile else ("north", "south", "west")
        self.text = f"{SCRIPT} {QUOTES}" if hostile else "r2 0.9 meets the required 0.8"
        self.mark = f"-{SCRIPT}{QUOTES}" if hostile else ""


@contextlib.contextmanager
def served(root: Path, *more: str) -> Iterator[str]:
    """Run `runner.py ui` on a free port, and yield its address."""
    command = [sys.executable, "runner.py", "ui", "--port", "0", "--root", str(root), *more]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment.pop("PIPELINE_METADATA", None)
    server = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("http://"), line
        yield line.split()[0].rstrip("/")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=120)


def png(side: int, shade: int) -> bytes:
    """Return a gray square as PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([shade] * side) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make(root: Path, *, hostile: bool = False) -> None:
    """Write root/metadata.sqlite and the files of its runs."""
    root.mkdir(parents=True, exist_ok=True)
    writer, names = shared.TfxWriter(root / "metadata.sqlite"), Names(hostile)
    first_model = _run(writer, root, names, "houses", f"run-1{names.mark}", mean=1800.0)
    _run(writer, root, names, "taxi", f"run-2{names.mark}", task="binary", blessed=False)
    _run(writer, root, names, "digits", f"run-3{names.mark}", task="classes")
    _run(writer, root, names, "houses", f"run-4{names.mark}", mean=2600.0, baseline=first_model)
    _run(writer, root, names, "houses", f"run-5{names.mark}", mean=9000.0, blocked=True)


def _run(
    writer: Any,
    root: Path,
    names: Names,
    pipeline: str,
    run_id: str,
    *,
    task: str = "regression",
    mean: float = 2000.0,
    blessed: bool = True,
    blocked: bool = False,
    baseline: int | None = None,
) -> int:
    """Write a run, and return the id of its model."""
    number = run_id.split("-")[1][:1]
    folder = root / pipeline / "runs" / f"folder-{number}"
    (folder / "logs").mkdir(parents=True)
    artifact_folder = root / pipeline / "artifacts" / number
    run = writer.run(run_id, pipeline=pipeline, run_folder=str(folder))
    _rows(artifact_folder / "examples" / "Split-test", names, task)
    facts = {"examples": {"summary": f"900 train, 100 eval rows of {names.word}"}}
    [examples] = run.node(
        "ingestion", outputs=[("examples", "Examples")], uri=str(artifact_folder / "{key}"), facts=facts
    )
    (artifact_folder / "schema").mkdir()
    (artifact_folder / "schema" / "schema.pbtxt").write_text(
        f"feature {{ name: {json.dumps(names.number)} type: FLOAT }}"
    )
    [schema] = run.node("schema", outputs=[("schema", "Schema")], uri=str(artifact_folder / "{key}"))
    _statistics(artifact_folder / "statistics", names, mean)
    data_input = [("examples", examples)]
    [statistics] = run.node(
        "statistics",
        inputs=data_input,
        outputs=[("statistics", "ExampleStatistics")],
        uri=str(artifact_folder / "{key}"),
    )
    _anomalies(artifact_folder / "anomalies", names, blocked)
    run.node(
        "validation",
        state="FAILED" if blocked else "COMPLETE",
        inputs=[("statistics", statistics), ("schema", schema)],
        outputs=[] if blocked else [("anomalies", "ExampleAnomalies")],
        uri=str(artifact_folder / "{key}"),
    )
    for node in NODES[:4] if blocked else NODES:
        (folder / "logs" / f"{node}.log").write_text(f"{node} says {names.text}\n")
    _folder(folder, run_id, pipeline, names, task, blocked, blessed)
    if blocked:
        run.end("BLOCKED", reason=f"{names.number}: mean 9000 is above 5000. {names.text}")
        return 0
    _training(artifact_folder / "model_run", folder, names)
    outputs = [("model", "Model"), ("model_run", "ModelRun")]
    model, _ = run.node("trainer", inputs=data_input, outputs=outputs, uri=str(artifact_folder / "{key}"))
    _evaluation(artifact_folder / "evaluation", names, task, blessed)
    baseline_input = [("baseline_model", baseline)] if baseline else []
    _, blessing = run.node(
        "evaluator",
        inputs=[*data_input, ("model", model), *baseline_input],
        outputs=[("evaluation", "ModelEvaluation"), ("blessing", "ModelBlessing")],
        uri=str(artifact_folder / "{key}"),
        facts={"blessing": {"blessed": int(blessed), "reason": names.text}},
    )
    pushed = {
        "pushed": int(blessed),
        "pushed_version": f"170000000{number}",
        "pushed_destination": str(artifact_folder / "pushed"),
    }
    run.node(
        "pusher",
        inputs=[("model", model), ("blessing", blessing)],
        outputs=[("pushed_model", "PushedModel")],
        facts={"pushed_model": pushed},
    )
    run.end("COMPLETE" if blessed else "NOT_BLESSED", reason=names.text)
    return int(model)


def _rows(folder: Path, names: Names, task: str) -> None:
    import gzip

    folder.mkdir(parents=True)
    with gzip.open(folder / "data_tfrecord-00000-of-00001.gz", "wb") as file:
        for place in range(5):
            row = {names.number: [float(place)], names.word: [names.values[place % 3].encode()]}
            if task == "classes":
                row = {"image": [png(12, 40 * place)]}
            record = shared.example(**row)
            file.write(struct.pack("<QI", len(record), 0) + record + bytes(4))


def _statistics(folder: Path, names: Names, mean: float) -> None:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    for split, rows, shift in (("train", 900, 0.0), ("eval", 100, mean / 10)):
        parsed = statistics_pb2.DatasetFeatureStatisticsList()
        dataset = parsed.datasets.add(num_examples=rows)
        feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
        feature.path.step.append(names.number)
        stats = feature.num_stats
        stats.common_stats.num_non_missing = stats.common_stats.tot_num_values = rows - 9
        stats.common_stats.num_missing = 9
        stats.mean, stats.std_dev, stats.min, stats.max = mean + shift, 300.0, mean / 2, mean * 2
        for kind in (statistics_pb2.Histogram.STANDARD, statistics_pb2.Histogram.QUANTILES):
            histogram = stats.histograms.add(type=kind)
            for place in range(10):
                low = mean / 2 + place * mean * 0.15 + shift
                share = math.exp(-((place - 4) ** 2) / 8) if kind == statistics_pb2.Histogram.STANDARD else 1.0
                histogram.buckets.add(low_value=low, high_value=low + mean * 0.15, sample_count=rows * share / 10)
        feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
        feature.path.step.append(names.word)
        words = feature.string_stats
        words.common_stats.num_non_missing = words.common_stats.tot_num_values = rows
        words.unique = 3
        for place, value in enumerate(names.values):
            count = rows * (3 - place) / 6
            words.top_values.add(value=value, frequency=count)
            words.rank_histogram.buckets.add(label=value, sample_count=count)
        (folder / f"Split-{split}").mkdir(parents=True)
        (folder / f"Split-{split}" / "FeatureStats.pb").write_bytes(parsed.SerializeToString())


def _anomalies(folder: Path, names: Names, blocked: bool) -> None:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    parsed = anomalies_pb2.Anomalies()
    if blocked:
        info = parsed.anomaly_info[names.number]
        info.path.step.append(names.number)
        info.severity = anomalies_pb2.AnomalyInfo.ERROR
        info.reason.add(
            short_description=f"Out of range {names.values[0]}", description=f"{names.text} in {names.number}"
        )
    (folder / "Split-train").mkdir(parents=True)
    (folder / "Split-train" / "SchemaDiff.pb").write_bytes(parsed.SerializeToString())
    gate = {"gate": "mean", "column": names.number, "limit": 5000.0, "measured": 9000.0, "action": "block"}
    gate |= {
        "text": names.text,
        "rows": [{"file": f"/data/{names.word}.csv", "line": 17}],
        "edit": f"[gates] # {names.word}",
    }
    (folder / "gates.json").write_text(json.dumps([gate] if blocked else []))
    if blocked:  # as in a run's folder, whose node failed and left no artifact
        (folder.parents[2] / "runs" / f"folder-{folder.parent.name}" / "gates.json").write_text(json.dumps([gate]))


def _folder(folder: Path, run_id: str, pipeline: str, names: Names, task: str, blocked: bool, blessed: bool) -> None:
    record: dict[str, Any] = {
        "run_id": run_id,
        "pipeline": pipeline,
        "config": {
            "data": {"path": f"data/{names.word}.csv"},
            "label": {"column": names.number, "task": task},
            "features": {"numeric": [{"column": names.number, "scale": "z_score"}], "ignored": [names.word]},
            "network": {"name": "mlp", "layers": [8, 4]},
            "training": {"epochs": 9},
        },
        "seed": 1,
        "data": f"/data/{names.word}.csv",
        "command": ["runner.py", "--local", "--metadata", "postgresql://user:secret@host/db", f"--set=x={names.word}"],
        "versions": {"python": "3.10.13", "tfx": "1.16.0"},
        "nodes": NODES,
        "upstream": {"ingestion": [], "schema": [], **UPSTREAM},
        "unused": [
            {"action": "not used", "kind": "column", "reason": "features.ignored", "count": 1, "names": [names.word]}
        ],
    }
    if not blocked:
        record["outcome"] = {
            "blessed": blessed,
            "reason": names.text,
            "pushed": "/serving/1700000001" if blessed else None,
        }
    (folder / "run.json").write_text(json.dumps(record))
    events = [
        {"event": "node", "node": node, "state": "COMPLETE", "seconds": 1.5, "summary": names.text} for node in NODES
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def _training(run: Path, folder: Path, names: Names) -> None:
    run.mkdir(parents=True)
    lines = [
        {"epoch": epoch, "seconds": 0.1, "loss": 1 / epoch, "val_loss": 1 / epoch + max(0, epoch - 4) / 5, "rate": 0.1}
        for epoch in range(1, 8)
    ]
    for place in (run, folder):
        (place / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run / "outcome.json").write_text(json.dumps({"best": lines[3], "notes": [names.text]}))
    layers = [{"name": names.number, "kind": "Dense", "shape": [8], "parameters": 16}]
    sizes = {"layers": layers, "inputs": {names.number: [1]}, "parameters": 16, "trainable": 16}
    (run / "network.json").write_text(json.dumps(sizes))
    trials = [
        {
            "trial": place,
            "best": place == 2,
            "score": 1.0 / (place + 1),
            "values": {"rate": 10.0**-place, "name": names.word},
        }
        for place in range(3)
    ]
    (folder / "trials.jsonl").write_text("".join(json.dumps(trial) + "\n" for trial in trials))


def _evaluation(folder: Path, names: Names, task: str, blessed: bool) -> None:
    folder.mkdir(parents=True)
    metric = "mae" if task == "regression" else "accuracy"
    classes = None if task == "regression" else list(names.values)[: 2 if task == "binary" else 3]
    metrics = {"example_count": 100.0, metric: 0.75, "r2": 0.9}
    rule = {"metric": metric, "value": 0.75, "limit": 0.8, "ok": blessed, "kind": "floor", "slice": {}, "count": 100.0}
    rule |= {"text": names.text, "edit": f"floor = 0.7 # {names.word}"}
    details: dict[str, Any] = {}
    if classes:
        details["confusion"] = [[30.0 if label == prediction else 4.0 for prediction in classes] for label in classes]
        details["confusions"] = [{"label": classes[0], "answer": classes[1], "weight": 4.0}]
    if task == "binary":
        details["calibration"] = [
            {
                "from": place / 10,
                "to": (place + 1) / 10,
                "weight": 10.0,
                "mean_probability": place / 10 + 0.05,
                "share": place / 10,
            }
            for place in range(10)
        ]
    slices = [
        {
            "slice": {names.word: value},
            "count": 33.0,
            "metrics": metrics,
            "intervals": {metric: [0.7, 0.8]},
            "baseline": None,
        }
        for value in names.values
    ]
    worst = [
        {"row": place, "id": names.word, "label": names.values[0], "answer": names.values[1], "error": 3.0 - place}
        for place in range(3)
    ]
    verdict = {
        "blessed": blessed, "advisory": False, "reason": names.text, "split": "test", "task": task, "classes": classes,
        "metrics": metrics, "intervals": {metric: [0.7, 0.8]}, "interval_method": "95 %: jackknife",
        "baseline": {**metrics, metric: 0.7}, "baseline_note": "compared with the served model",
        "plain": {"boosted_trees": {**metrics, metric: 0.625}}, "plain_notes": [f"worse than 0.625 of {names.text}"],
        "rules": [rule], "slices": slices, "slices_left_out": [], "worst_slices": [], "details": details,
        "worst": worst,
    }  # fmt: skip
    (folder / "verdict.json").write_text(json.dumps(verdict))
    diagnosis = {"metric": metric, "rows": 100, "note": "shuffled once", "split": "test"}
    diagnosis["importance"] = [{"column": name, "worse": 0.2, "value": 0.95} for name in (names.number, names.word)]
    if task == "regression":
        diagnosis["answers"] = [[float(place), place * 1.1 - 2] for place in range(60)]
    (folder / "diagnosis.json").write_text(json.dumps(diagnosis))
    if task == "binary":
        _plots(folder)


def _plots(folder: Path) -> None:
    plots = tfma_proto("metrics_for_slice_pb2").PlotsForSlice()
    plots.slice_key.SetInParent()
    entry = plots.plot_keys_and_values.add()
    for place in range(11):
        cut = place / 10
        positive, negative = 50 * (1 - cut**2), 50 * (1 - cut) ** 2
        entry.value.confusion_matrix_at_thresholds.matrices.add(
            threshold=cut,
            true_positives=positive,
            false_positives=negative,
            true_negatives=50 - negative,
            false_negatives=50 - positive,
        )
    record = plots.SerializeToString()
    (folder / "plots-00000-of-00001.tfrecord").write_bytes(struct.pack("<QI", len(record), 0) + record + bytes(4))


if __name__ == "__main__":
    make(Path(sys.argv[1]), hostile="hostile" in sys.argv[2:])
