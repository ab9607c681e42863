"""A process that trains the tuner's trials: `python -m models.training.trial_process ANSWERS_FD`.

On standard input it takes one JSON object a line: first what all trials share, then `network` and `training` of one
trial after another. Each is answered with a line on the given file descriptor. It ends when its input does, and with
the process that started it.
"""

import ctypes
import gc
import json
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from models import file_reads

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read the transformed examples once, and train until the input ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    order = json.loads(sys.stdin.readline())
    with (
        open(int(sys.argv[1]), "w", buffering=1, encoding="utf-8") as answers,
        file_reads.watched(order.get("apart", ())) as opened,
    ):
        trials = Trials(order)
        for line in sys.stdin:
            answers.write(json.dumps({**trials.run(json.loads(line)), "reads": opened}) + "\n")


class Trials:
    """The transformed examples in memory, and what trials make of them.

    Args:
        order: `train_files` and `eval_files` (paths), `rows` (what each of them must hold, where that is known),
            `transform_output` (folder), and the sections `features` and `label` of the config.
    """

    def __init__(self, order: Mapping[str, Any]) -> None:
        import tensorflow_transform as tft

        from models.data import transformed_records
        from models.roles import Features
        from models.training.run_fn import Facts
        from spec.columns.label import Label

        transform = tft.TFTransformOutput(order["transform_output"])
        spec = transform.transformed_feature_spec()
        self._label = order["label"]
        self._facts = Facts.read(
            transform, Features.model_validate(order["features"]), Label.model_validate(order["label"])
        )
        self._train = transformed_records.read(order["train_files"], spec, rows=order.get("rows"))
        self._eval = transformed_records.read(order["eval_files"], spec, rows=order.get("rows"))

    def run(self, sections: Mapping[str, Any]) -> dict[str, Any]:
        """Train one trial.

        Args:
            sections: `network` and `training`.

        Returns:
            `metrics`, `epochs`, `best_epoch` and `seconds`; or `failure` and `keep`, whether the same values would end
            the same way again.
        """
        import keras

        from models.training.run_fn import learn

        started = time.monotonic()
        learnt: Any = None
        try:
            learnt = learn({"label": self._label, **sections}, self._train, self._eval, self._facts)
            answer: dict[str, Any] = {
                "metrics": _metrics(learnt, sections["training"]),
                "epochs": len(learnt.history),
                "best_epoch": learnt.best["epoch"],
            }
        except ValueError as error:
            answer = {"failure": _line(error), "keep": True}
        except Exception as error:
            # Memory or a disk that ran out says nothing about the values.
            answer = {"failure": f"{type(error).__name__}: {_line(error)}", "keep": False}
        del learnt
        keras.backend.clear_session()
        gc.collect()
        return {**answer, "seconds": time.monotonic() - started}


def _metrics(learnt: Any, training: Mapping[str, Any]) -> dict[str, float]:
    """Metrics of the eval split at the epoch whose weights are kept, the loss first.

    The loss is that of a row and without L1 and L2, or else the best trial would be the one with the smallest batch or
    the weakest penalty.
    """
    from models.tasks import losses

    found = {name.removeprefix("val_"): value for name, value in learnt.best.items() if name.startswith("val_")}
    penalty = sum(float(loss) for loss in learnt.network.losses)
    times = training["batch_size"] if training["loss"] == losses.SUM else 1
    return {**found, "loss": (found["loss"] - penalty) / times}


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


if __name__ == "__main__":
    main()
