"""The search: rounds of proposals, trials in parallel, results on disk."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from components.tuner import trials
from components.tuner.oracle import Oracle, Proposal
from components.tuner.trials import Result, Store, Trial
from spec import tuning
from spec.tuning import Tuning

Sections = Mapping[str, Any]


class Train(Protocol):
    """Callable that trains several trials."""

    def __call__(self, jobs: Mapping[int, Sections]) -> Iterator[tuple[int, Result]]:
        """Train each job.

        Args:
            jobs: Trial number -> sections `network` and `training` as plain dicts.

        Yields:
            Trial number and result, in the order in which the trials finish.
        """


def search(
    settings: Tuning,
    sections: Sections,
    *,
    train: Train,
    store: Store,
    report: Callable[[list[Trial]], None] = lambda _: None,
) -> tuple[list[Trial], Oracle]:
    """Run all trials of a search.

    Args:
        settings: The section [tuner].
        sections: `network` and `training` of the config as plain dicts.
        train: Trains the trials that have no stored result.
        store: Stored results.
        report: Called with all finished trials after each trial.

    Returns:
        The trials in the order of their numbers, and the oracle that proposed them.

    Raises:
        ValueError: The settings allow too few trials for the method.
    """
    epochs = (
        None if "training.epochs" in settings.space else settings.epochs or tuning.find(sections, "training.epochs")
    )
    default = {key: tuning.find(sections, key) for key in settings.space}
    oracle = Oracle(settings, default, epochs)
    trials_by_number: dict[int, Trial] = {}
    while proposals := oracle.round():
        by_number = {proposal.number: proposal for proposal in proposals}
        jobs = {number: job(sections, proposal) for number, proposal in by_number.items()}

        def finish(number: int, result: Result, earlier: bool, by_number: Mapping[int, Proposal] = by_number) -> None:
            trials_by_number[number] = Trial(
                number=number,
                values={**default, **by_number[number].values},
                most_epochs=by_number[number].epochs,
                result=result,
                score=trials.score(result, settings.objective),
                earlier=earlier,
            )
            report([trials_by_number[trial_number] for trial_number in sorted(trials_by_number)])

        waiting = dict(jobs)
        for number, sections_of_trial in jobs.items():
            stored_result = store.read(sections_of_trial)
            if stored_result is not None:
                del waiting[number]
                finish(number, stored_result, True)
        for number, result in train(waiting) if waiting else ():
            store.write(jobs[number], result)
            finish(number, result, False)
        for number in sorted(by_number):
            oracle.tell(number, trials_by_number[number].score)
    return [trials_by_number[number] for number in sorted(trials_by_number)], oracle


def job(sections: Sections, proposal: Proposal) -> dict[str, Any]:
    """Return the sections `network` and `training` of one trial."""
    epochs = {} if proposal.epochs is None else {"training.epochs": proposal.epochs}
    return tuning.merge({name: sections[name] for name in tuning.SECTIONS}, {**proposal.values, **epochs})
