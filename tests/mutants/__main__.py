"""`make mutants`: edit the code in small ways, one at a time, and see whether a test notices.

    make mutants                                        # 300 mutants of seed 1
    make mutants ARGS="--seed 2 --sample 60 --jobs 2"
    make mutants ARGS="--only components/value_counts.py"     # all of a file
    make mutants ARGS="--write"                         # and put the survivors into docs/explanation/testing.md

Measures first which tests run which lines, which takes as long as the tests themselves and is kept in .mutants; so are
results, as long as neither the file nor the test that noticed has changed. Ends with exit code 1 below 92 %.
"""

import argparse
import dataclasses
import hashlib
import heapq
import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# As a folder this is started without its package, and the installed packages hold a `tests` of their own.
sys.path[0] = str(Path(__file__).resolve().parents[1])
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

from mutants import contexts, mutant_runs, report, tree  # noqa: E402  after the path
from mutants.mutant import Mutant, mutants_of  # noqa: E402

KEPT = tree.REPOSITORY / ".mutants"
LEAST = 0.92
"""Share of mutants that tests must notice."""


def sample(mutants: list[Mutant], seed: int, size: int) -> list[Mutant]:
    """Draw mutants by a hash, so that most of a sample stays when the code changes a little."""

    def drawn(mutant: Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).digest()

    return heapq.nsmallest(size, mutants, key=drawn)


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(prog="make mutants", description="See whether the tests notice edits of the code.")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: 1)")
    parser.add_argument("--sample", type=int, default=300, metavar="N", help="how many mutants (default: 300)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="side by side (default: 1); each takes 3 GB")
    parser.add_argument("--only", metavar="PATH", help="all mutants of this file or folder, instead of a sample")
    parser.add_argument(
        "--unchanged", type=int, default=0, metavar="N", help="so many runs without an edit beside them"
    )
    parser.add_argument(
        "--write", action="store_true", help="write figures and survivors into docs/explanation/testing.md"
    )
    arguments = parser.parse_args()
    texts = tree.sources()
    mutants = [mutant for path, text in texts.items() for mutant in mutants_of(path, text)]
    if arguments.only:
        chosen = [mutant for mutant in mutants if mutant.file.startswith(arguments.only)]
    else:
        chosen = sample(mutants, arguments.seed, arguments.sample)
    print(f"{len(chosen)} of {len(mutants):,} mutants", flush=True)
    blank = [dataclasses.replace(each, new=each.old) for each in sample(chosen, 0, arguments.unchanged)]
    results = _results([*blank, *chosen], texts, arguments.jobs)
    for mutant in blank:
        if results[mutant.key].state not in ("survived", "untested"):
            print(f"without an edit {results[mutant.key].by} fails: kills cannot be trusted")
            return 1
    text, share = report.summary([(mutant, results[mutant.key]) for mutant in chosen])
    print(text)
    if arguments.write:
        report.write(arguments.seed, [(mutant, results[mutant.key]) for mutant in chosen])
    return 0 if share >= LEAST else 1


def _results(mutants: list[Mutant], texts: dict[str, str], jobs: int) -> dict[str, mutant_runs.Result]:
    """Take the results that hold, and find the others."""
    KEPT.mkdir(exist_ok=True)
    path = KEPT / "results.jsonl"
    test_files = tree.tests()
    all_tests = hashlib.sha256("".join(map(tree.digest, [*test_files, *texts])).encode()).hexdigest()[:16]
    known: dict[str, mutant_runs.Result] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        key, fields = json.loads(line)
        known[key] = mutant_runs.Result(**fields)
    results = {
        mutant.key: known[mutant.key]
        for mutant in mutants
        if mutant.key in known and known[mutant.key].holds(all_tests)
    }
    missing: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        if mutant.key not in results:
            missing.put(mutant)
    if missing.empty():
        return results
    stale = [file for file in test_files if contexts.stale(file, KEPT / "measured")]
    with mutant_runs.warm(KEPT / "work", jobs) as workers:
        _measure(stale, workers)
        measured = contexts.Contexts(KEPT / "measured", test_files, {mutant.file for mutant in mutants})
        lock, total = threading.Lock(), missing.qsize()

        def work(worker: mutant_runs.Warm) -> None:
            while True:
                try:
                    mutant = missing.get_nowait()
                except queue.Empty:
                    return
                result = mutant_runs.run(mutant, texts[mutant.file], measured, worker, all_tests)
                with lock, path.open("a") as file:
                    results[mutant.key] = result
                    file.write(json.dumps([mutant.key, dataclasses.asdict(result)]) + "\n")
                    print(f"{total - missing.qsize():4} of {total}  {report.line(mutant, result)}", flush=True)

        _side_by_side(work, workers)
    return results


def _measure(stale: list[str], workers: list[mutant_runs.Warm]) -> None:
    """Measure the files of tests that changed, or whose tests run what changed."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for file in stale:
        waiting.put(file)

    def work(worker: mutant_runs.Warm) -> None:
        while True:
            try:
                file = waiting.get_nowait()
            except queue.Empty:
                return
            kept = contexts.measure(file, KEPT / "measured", worker.ask)
            left_out = f", left out: {', '.join(kept['failed'])}" if kept["failed"] else ""
            print(f"measured {file}: {len(kept['tests'])} tests, {kept['seconds']:.0f} s{left_out}", flush=True)

    _side_by_side(work, workers)


def _side_by_side(work: Callable[[mutant_runs.Warm], None], workers: list[mutant_runs.Warm]) -> None:
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(work, workers))


if __name__ == "__main__":
    sys.exit(main())
