"""A loaded version of a model."""

import functools

from serving.explanation import background
from serving.explanation.shapley import Explainer
from serving.server.batching import Batcher
from serving.server.engines.session import Session


class LoadedVersion:
    """A loaded version, its batchers by signature, and the number of requests that use it."""

    def __init__(self, number: int, session: Session) -> None:
        self.number = number
        self.session = session
        self.batchers: dict[str, Batcher] = {}
        self.users = 0
        self.retired = False

    @functools.cached_property
    def explainer(self) -> Explainer:
        """Explainer of the version's predictions, made at the first use.

        Raises:
            NotExplainableError: the version has no background rows.
        """
        return Explainer(background.read(self.session.folder))
