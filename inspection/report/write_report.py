"""Writer of report.html and model_card.md."""

import os

from inspection.report import model_card, page
from inspection.report.report_facts import collect
from inspection.store.metadata_store import Store
from spec.artifacts import atomic_files
from spec.file_names import CARD, REPORT


def write(store: Store, run_id: str, folder: str) -> None:
    """Write report.html and model_card.md, each atomically.

    Args:
      store: Store with the run.
      run_id: Id of the run.
      folder: Folder of the run, which exists.

    Raises:
      PipelineError: Neither the store nor the folder contains the run.
      OSError: The folder cannot be written to.
    """
    facts = collect(store, run_id, folder=folder)
    for name, text in ((REPORT, page.report(facts)), (CARD, model_card.card(facts))):
        atomic_files.write(os.path.join(folder, name), text)
