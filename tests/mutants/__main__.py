"""`make mutants`: edit the code in small ways, one edit at a time, and check that a test fails.

    make mutants                                        # 300 mutants of seed 1
    make mutants ARGS="--seed 2 --sample 60 --jobs 2"
    make mutants ARGS="--only components/value_counts.py"     # all mutants of a file
    make mutants ARGS="--write"                         # also write the survivors to docs/explanation/testing.md

First measures which tests run which lines, which takes as long as the tests. Measurements and results are cached in
.mutants; a result is valid until the mutated file or the test that failed changes. The exit code is 1 if fewer than
92 % of the mutants are killed.
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

CACHE = tree.REPOSITORY / ".mutants"
MIN_SHARE = 0.92
"""Minimum share of killed mutants."""


def sample(mutants: list[Mutant], seed: int, size: int) -> list[Mutant]:
    """Sample mutants by a hash, so that small changes of the code keep most of the sample."""

    def drawn(mutant: Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).digest()

    return heapq.nsmallest(size, mutants, key=drawn)


def main() -> int:
    """Run the mutants of the arguments."""
    parser = argparse.ArgumentParser(prog="make mutants", description="Run the tests on small edits of the code.")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default: 1)")
    parser.add_argument("--sample", type=int, default=300, metavar="N", help="number of mutants (default: 300)")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="parallel processes (default: 1); each uses 3 GB"
    )
    parser.add_argument("--only", metavar="PATH", help="all mutants of this file or folder, instead of a sample")
    parser.add_argument(
        "--unchanged", type=int, default=0, metavar="N", help="also run the tests of N mutants without the edit"
    )
    parser.add_argument(
        "--write", action="store_true", help="write results and survivors to docs/explanation/testing.md"
    )
    arguments = parser.parse_args()
    texts = tree.sources()
    mutants = [mutant for path, text in texts.items() for mutant in mutants_of(path, text)]
    if arguments.only:
        chosen = [mutant for mutant in mutants if mutant.file.startswith(arguments.only)]
    else:
        chosen = sample(mutants, arguments.seed, arguments.sample)
    print(f"{len(chosen)} of {len(mutants):,} mutants", flush=True)
    unchanged = [dataclasses.replace(mutant, new=mutant.old) for mutant in sample(chosen, 0, arguments.unchanged)]
    results = _results([*unchanged, *chosen], texts, arguments.jobs)
    for mutant in unchanged:
        if results[mutant.key].state not in ("survived", "untested"):
            print(f"{results[mutant.key].by} fails without an edit: the results are not reliable")
            return 1
    text, share = report.summary([(mutant, results[mutant.key]) for mutant in chosen])
    print(text)
    if arguments.write:
        report.write(arguments.seed, [(mutant, results[mutant.key]) for mutant in chosen])
    return 0 if share >= MIN_SHARE else 1


def _results(mutants: list[Mutant], texts: dict[str, str], jobs: int) -> dict[str, mutant_runs.Result]:
    """Return cached results that are valid, and compute the others."""
    CACHE.mkdir(exist_ok=True)
    path = CACHE / "results.jsonl"
    test_files = tree.tests()
    all_tests = hashlib.sha256("".join(map(tree.digest, [*test_files, *texts])).encode()).hexdigest()[:16]
    cached: dict[str, mutant_runs.Result] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        key, fields = json.loads(line)
        cached[key] = mutant_runs.Result(**fields)
    results = {
        mutant.key: cached[mutant.key]
        for mutant in mutants
        if mutant.key in cached and cached[mutant.key].holds(all_tests)
    }
    todo: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in mutants:
        if mutant.key not in results:
            todo.put(mutant)
    if todo.empty():
        return results
    stale = [file for file in test_files if contexts.stale(file, CACHE / "measured")]
    with mutant_runs.warm(CACHE / "work", jobs) as workers:
        _measure(stale, workers)
        measured = contexts.Contexts(CACHE / "measured", test_files, {mutant.file for mutant in mutants})
        lock, total = threading.Lock(), todo.qsize()

        def work(worker: mutant_runs.Warm) -> None:
            while True:
                try:
                    mutant = todo.get_nowait()
                except queue.Empty:
                    return
                result = mutant_runs.run(mutant, texts[mutant.file], measured, worker, all_tests)
                with lock, path.open("a") as file:
                    results[mutant.key] = result
                    file.write(json.dumps([mutant.key, dataclasses.asdict(result)]) + "\n")
                    print(f"{total - todo.qsize():4} of {total}  {report.line(mutant, result)}", flush=True)

        _parallel(work, workers)
    return results


def _measure(stale: list[str], workers: list[mutant_runs.Warm]) -> None:
    """Measure the test files that are new or changed."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for file in stale:
        waiting.put(file)

    def work(worker: mutant_runs.Warm) -> None:
        while True:
            try:
                file = waiting.get_nowait()
            except queue.Empty:
                return
            measurement = contexts.measure(file, CACHE / "measured", worker.ask)
            skipped = f", skipped: {', '.join(measurement['failed'])}" if measurement["failed"] else ""
            print(
                f"measured {file}: {len(measurement['tests'])} tests, {measurement['seconds']:.0f} s{skipped}",
                flush=True,
            )

    _parallel(work, workers)


def _parallel(work: Callable[[mutant_runs.Warm], None], workers: list[mutant_runs.Warm]) -> None:
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(work, workers))


if __name__ == "__main__":
    sys.exit(main())
