"""Tiny models, and a server of them."""

import pytest

from ..served import push, running


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """Folders of versions with the factors 1, 2 and 3, by factor; the first has no background."""
    from .tiny_models import export

    folder = tmp_path_factory.mktemp("exported")
    return {factor: export(folder / str(factor), factor, explained=factor != 1) for factor in (1, 2, 3)}


@pytest.fixture(scope="session")
def tiny(exported, tmp_path_factory):
    """A server of the model `tiny`: version 7 with factor 2, and version 3 with factor 1, labelled `stable`."""
    from serving.server.server_settings import ModelSource

    serving = tmp_path_factory.mktemp("served") / "tiny/serving"
    push(exported[1], serving, 3)
    push(exported[2], serving, 7)
    source = ModelSource(
        name="tiny", folder=str(serving), labels={"stable": 3}, form={"n": {"minimum": 0, "maximum": 9}}
    )
    with running(source, cores=2) as served:
        yield served
