"""`make scores`: run the shipped pipelines, compare them with baselines, and write docs/reference/scores.md.

    make scores
    make scores ARGS="cars digits"

The exit code is 1 if a pipeline misses its threshold. Lines of other pipelines are kept, with the date of their
measurement.
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import Future, as_completed
from pathlib import Path

# As a folder this is started without its package, and the installed packages hold a `tests` of their own.
sys.path[0] = str(Path(__file__).parents[1])
sys.path.append(str(Path(__file__).parents[2]))
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from scores import score_runs  # noqa: E402  after the path
from scores.pipelines import PIPELINES  # noqa: E402
from scores.score import Score, Scored, document  # noqa: E402
from scores.score_runs import REPOSITORY, Result  # noqa: E402

REPORT = REPOSITORY / "docs" / "reference" / "scores.md"


def main() -> int:
    """Run the named pipelines, or all."""
    names = [scored.name for scored in PIPELINES]
    parser = argparse.ArgumentParser(prog="make scores", description="Compare pipelines with their thresholds.")
    parser.add_argument("names", nargs="*", choices=[*names, []], metavar="PIPELINE", help=", ".join(names))
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the runs in this folder, which must not exist"
    )
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="parallel runs (default: 2)")
    arguments = parser.parse_args()
    chosen = [scored for scored in PIPELINES if not arguments.names or scored.name in arguments.names]
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="scores-") as folder:
        scores = _all(chosen, (arguments.keep or Path(folder)).absolute(), arguments.at_once)
    total_seconds = None if arguments.names else time.monotonic() - started
    order = list(dict.fromkeys(job.pipeline for scored in PIPELINES for job in scored.jobs))
    text = document(scores, order, REPORT.read_text(), total_seconds)
    REPORT.write_text(text)
    print(text)
    return 1 if any(score.ok is False for score in scores) else 0


def _all(chosen: list[Scored], folder: Path, at_once: int) -> list[Score]:
    """Execute all runs in parallel, and score each pipeline when its last run has ended."""
    available = [scored for scored in chosen if scored.needs is None or scored.needs.exists()]
    scores: dict[str, list[Score]] = {scored.name: [scored.absent()] for scored in chosen if scored not in available}
    runs_left: dict[str, int] = {scored.name: len(scored.jobs) for scored in available}
    with score_runs.pool(at_once) as pool:
        futures: dict[Future[Result], tuple[Scored, int]] = {
            pool.submit(score_runs.run, job, folder / scored.name / str(number)): (scored, number)
            for scored in available
            for number, job in enumerate(scored.jobs)
        }
        for count, future in enumerate(as_completed(futures), 1):
            scored, number = futures[future]
            error = future.exception()
            state = "failed" if error else f"{future.result().seconds:5.0f} s"
            print(f"{count:3} of {len(futures)}  {scored.jobs[number].name:28} {state}", flush=True)
            runs_left[scored.name] -= 1
            if not runs_left[scored.name]:
                runs_of_pipeline = [run for run, (owner, _) in futures.items() if owner is scored]
                scores[scored.name] = _judge(scored, runs_of_pipeline)
    return [score for scored in chosen for score in scores[scored.name]]


def _judge(scored: Scored, futures: list[Future[Result]]) -> list[Score]:
    errors = [str(error) for future in futures if (error := future.exception())]
    if errors:
        print(f"{scored.name}: {errors[0]}", flush=True)
        return [Score(scored.name, f"failed: {errors[0].splitlines()[0]}", "", "", False, 0.0)]
    scores = scored.judge([future.result() for future in futures])
    for score in scores:
        print(f"{score.name}: {score.reached}; {score.plain}; {score.demand}: {score.ok}", flush=True)
    return scores


if __name__ == "__main__":
    sys.exit(main())
