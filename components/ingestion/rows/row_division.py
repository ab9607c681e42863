"""The splitter and the row profile of the ingestion stage, made from its settings and the plan."""

from collections.abc import Sequence

from components.ingestion import planning
from components.ingestion.ingestion_settings import IngestionSettings
from components.ingestion.rows.row_profile import Marks
from components.ingestion.rows.split_assignment import Splitter


def splitter(settings: IngestionSettings, plan: planning.Plan) -> Splitter:
    """Return the splitter that divides batches of rows into splits."""
    return Splitter(
        settings.data.split,
        key=plan.key,
        cut_eval=plan.cut_eval,
        cuts=plan.cuts,
        time=settings.duties.time,
        newest=plan.newest,
        empty=plan.empty,
        strata=plan.strata,
    )


def marks(settings: IngestionSettings, added: Sequence[str]) -> Marks:
    """Return the collector of the row profile.

    Args:
        settings: The node's settings.
        added: Columns that the reader adds to identify a row.
    """
    skip = planning.naming(settings, added)
    name = next(iter(added), None)
    return Marks(skip=skip, label=settings.label, name=name, compares_features=settings.classes, unread=settings.unread)
