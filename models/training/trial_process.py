"""A process that trains the trials of the tuner: `python -m models.training.trial_process RESULTS_FD`.

It reads one JSON object per line from standard input: first the settings that all trials share, then `network` and
`training` of each trial. It writes the result of each trial as a line to the given file descriptor. It ends at the end
of its input, and with the process that started it.
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
from models.training.training_config import TrialConfig, TrialOrder
from spec.training import Training

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read the transformed examples once, and train until the input ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    order = TrialOrder.model_validate_json(sys.stdin.readline())
    with (
        open(int(sys.argv[1]), "w", buffering=1, encoding="utf-8") as results,
        file_reads.watched(order.ignored_folders) as files_read,
    ):
        trials = Trials(order)
        for line in sys.stdin:
            results.write(json.dumps({**trials.run(json.loads(line)), "reads": files_read}) + "\n")


class Trials:
    """The transformed examples in memory, and trials on them.

    Args:
        order: Files, transform graph, features and label of the trials.
    """

    def __init__(self, order: TrialOrder) -> None:
        import tensorflow_transform as tft

        from models.data import transformed_records
        from models.training.run_fn import Facts
        from models.transform_graph.loaded_graph import TransformGraph

        transform = tft.TFTransformOutput(order.transform_output)
        spec = transform.transformed_feature_spec()
        self._label = order.label
        constant = TransformGraph(transform).constant if order.edges else None
        self._facts = Facts.read(transform, order.features, self._label, constant)
        self._train = transformed_records.read(order.train_files, spec, rows=order.rows)
        self._eval = transformed_records.read(order.eval_files, spec, rows=order.rows)

    def run(self, sections: Mapping[str, Any]) -> dict[str, Any]:
        """Train one trial.

        Args:
            sections: `network` and `training`.

        Returns:
            `metrics`, `epochs`, `best_epoch` and `seconds`; or `failure` and `keep`, whether the same values would fail
            again.
        """
        import keras

        from models.training.run_fn import train_network

        started = time.monotonic()
        trained: Any = None
        try:
            config = TrialConfig.model_validate({"label": self._label, **sections})
            trained = train_network(config, self._train, self._eval, self._facts)
            result_line: dict[str, Any] = {
                "metrics": _metrics(trained, config.training),
                "epochs": len(trained.history),
                "best_epoch": trained.best["epoch"],
            }
        except ValueError as error:
            result_line = {"failure": _line(error), "keep": True}
        except Exception as error:
            # Memory or disk that runs out is no property of the values, so the failure is not stored.
            result_line = {"failure": f"{type(error).__name__}: {_line(error)}", "keep": False}
        del trained
        keras.backend.clear_session()
        gc.collect()
        return {**result_line, "seconds": time.monotonic() - started}


def _metrics(trained: Any, training: Training) -> dict[str, float]:
    """Return the metrics of the eval split at the epoch whose weights are kept, the loss first.

    The loss is per row and without L1 and L2: otherwise the smallest batch or the weakest penalty would win.
    """
    from models.tasks import losses

    metrics = {name.removeprefix("val_"): value for name, value in trained.best.items() if name.startswith("val_")}
    penalty = sum(float(loss) for loss in trained.network.losses)
    scale = training.batch_size if training.loss == losses.SUM else 1
    return {**metrics, "loss": (metrics["loss"] - penalty) / scale}


def _line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


if __name__ == "__main__":
    main()
