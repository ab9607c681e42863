"""Writes report.html and model_card.md into a run's folder."""

import os

from inspection.report import model_card, page
from inspection.report.report_facts import collect
from inspection.store.metadata_store import Store
from spec.file_names import CARD, REPORT


def write(store: Store, run_id: str, folder: str) -> None:
    """Writes both files, each whole or not at all.

    Args:
      store: Where the run is recorded.
      run_id: Its whole id.
      folder: Its folder, which is there.

    Raises:
      PipelineError: Neither the store nor the folder knows the run.
      OSError: The folder cannot be written to.
    """
    known = collect(store, run_id, folder=folder)
    for name, text in ((REPORT, page.report(known)), (CARD, model_card.card(known))):
        path = os.path.join(folder, name)
        with open(f"{path}.partial", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{path}.partial", path)
