"""Asks the exported model, batch by batch, and judges its metrics."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import summary
from components.evaluator import judgement, measures, metrics, results
from models import settings

BATCH = 4096
"""Rows predicted at once."""
VERDICT = "verdict.json"
"""Beside TFMA's files: overall metrics, rules and baseline, for readers without TensorFlow."""
_DTYPES = {"INT": tf.int64, "FLOAT": tf.float32, "BYTES": tf.string}


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """TFX calls `Do`."""

    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Evaluate model and baseline on the same rows, and bless the model or not."""
        config = settings.unpack(json.loads(exec_properties["settings"]))
        examples = input_dict["examples"]
        files = tf.io.gfile.glob(artifact_utils.get_split_uri(examples, config["split"]) + "/*")
        model = artifact_utils.get_single_instance(input_dict["model"])
        candidate = Candidate(path_utils.serving_model_path(model.uri), files, config)
        totals = candidate.totals()
        baselines = input_dict.get("baseline_model") or []
        baseline, note = _baseline(candidate, baselines[0] if baselines else None)
        values = candidate.measure.values
        overall = values(totals[()])
        base_overall = values(baseline[()]) if baseline else None
        compared = config["baseline"]
        rules = judgement.judge(
            overall,
            base_overall,
            floor=config["floor"],
            metric=compared["metric"] if compared else None,
            tolerance=compared["tolerance"] if compared else 0.0,
        )
        evaluation = artifact_utils.get_single_instance(output_dict["evaluation"])
        results.write(
            evaluation.uri,
            config=results.eval_config(
                label=config["label"],
                task=measures.task(candidate.names),
                slicings=config["slices"],
                rules=rules,
                with_baseline=baseline is not None,
            ),
            slices=[
                results.slice_metrics(key, values(total), values(baseline[key]) if baseline else None)
                for key, total in totals.items()
            ],
            verdict=results.validation(rules, rubber_stamp=baseline is None),
            data=artifact_utils.get_split_uri(examples, config["split"]),
            models={"": model.uri} if baseline is None else {"candidate": model.uri, "baseline": baselines[0].uri},
        )
        blessed = all(rule.ok for rule in rules)
        reason = _reason(rules, note)
        verdict = {
            "blessed": blessed,
            "reason": reason,
            "split": config["split"],
            "classes": candidate.names,
            "metrics": overall,
            "baseline": base_overall,
            "baseline_note": note,
            "rules": [vars(rule) for rule in rules],
        }
        with tf.io.gfile.GFile(f"{evaluation.uri}/{VERDICT}", "w") as file:
            file.write(json.dumps(verdict, indent=1))
        _bless(artifact_utils.get_single_instance(output_dict["blessing"]), model, baselines, blessed, reason)
        shown = ", ".join(f"{name} {overall[name]:.6g}" for name in overall if name != "example_count")
        summary.put(evaluation, f"{'blessed' if blessed else 'not blessed'}: {shown}")


class Candidate:
    """A model and the rows it is judged on; a baseline is judged on the same rows and against the same labels.

    Args:
        path: A SavedModel with signatures `serving_examples` and `labels`.
        files: Gzipped TFRecords of raw tf.Examples.
        config: `slices` (lists of columns) and `columns` (name -> schema type).
    """

    def __init__(self, path: str, files: list[str], config: Mapping[str, Any]) -> None:
        # The module must stay alive while its signatures are used.
        self._module = tf.saved_model.load(path)
        self._files = sorted(files)
        self._slicings: list[list[str]] = config["slices"]
        needed = sorted({column for slicing in self._slicings for column in slicing})
        self._spec = {name: tf.io.FixedLenFeature([1], _DTYPES[config["columns"][name]]) for name in needed}
        self.names = _names(self._module)
        self.measure = measures.measure(self.names)

    def totals(self, other: Any = None) -> dict[metrics.SliceKey, metrics.Sums]:
        """Predict every row, and sum by slice.

        Args:
            other: The loaded model to ask instead, whose answers are judged against this one's labels.

        Raises:
            ValueError: the other model has other classes.
        """
        order = self._order(_names(other)) if other is not None else None
        predict = (other or self._module).signatures["serving_examples"]
        labels = self._module.signatures["labels"]
        totals: dict[metrics.SliceKey, metrics.Sums] = {}
        for batch in tf.data.TFRecordDataset(self._files, compression_type="GZIP").batch(BATCH).prefetch(1):
            parsed = tf.io.parse_example(batch, self._spec) if self._spec else {}
            raw = {name: np.asarray(value).reshape(-1) for name, value in parsed.items()}
            answer = {name: value.numpy() for name, value in predict(examples=batch).items()}
            if order is not None:
                answer["probabilities"] = answer["probabilities"][:, order]
            slicings = [{column: raw[column] for column in slicing} for slicing in self._slicings]
            label = labels(examples=batch)["label"].numpy()
            metrics.merge(totals, metrics.by_slice(self.measure, label, answer, slicings))
        return totals

    def _order(self, names: list[str] | None) -> list[int] | None:
        """Where each of our classes stands among another model's."""
        if sorted(names or ()) != sorted(self.names or ()):
            raise ValueError(f"its classes are {names}, those of this model {self.names}")
        return [names.index(name) for name in self.names] if names and self.names else None


def _names(module: Any) -> list[str] | None:
    """Names of a model's classes in order; None for a regression."""
    if "class_names" not in module.signatures:
        return None
    return [name.decode() for name in module.signatures["class_names"]()["names"].numpy()]


def _baseline(candidate: Candidate, model: Any) -> tuple[dict[metrics.SliceKey, metrics.Sums] | None, str]:
    """Evaluate the baseline; one that cannot read today's rows counts as none."""
    if model is None or not tf.io.gfile.exists(path_utils.serving_model_path(model.uri)):
        return None, "no earlier blessed model to compare with"
    try:
        totals = candidate.totals(tf.saved_model.load(path_utils.serving_model_path(model.uri)))
    except (tf.errors.OpError, KeyError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        return None, f"the latest blessed model cannot read today's rows, so it counts as none ({first})"
    return totals, "compared with the latest blessed model"


def _reason(rules: list[judgement.Rule], note: str) -> str:
    failed = [str(rule) for rule in rules if not rule.ok]
    return "; ".join([*(failed or [str(rule) for rule in rules]), note])


def _bless(blessing: Any, model: Any, baselines: list[Any], blessed: bool, reason: str) -> None:
    """Mark the blessing as stock Evaluator does: a file, and properties that resolvers read."""
    tf.io.gfile.makedirs(blessing.uri)
    name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
    with tf.io.gfile.GFile(f"{blessing.uri}/{name}", "w") as file:
        file.write("")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if baselines:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baselines[0].uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baselines[0].id)
    blessing.set_string_custom_property("reason", reason)
