"""No shipped pipeline leaves the fast transformation: each analyzer that its roles come to is known, and
the first pass needs no SavedModel."""

import functools

import pytest
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import schema_utils

from components.transformation.analysis import Analysis
from models.transform_graph import preprocessing
from pipeline import load, schema_columns
from pipeline.variants import Name
from project import REPOSITORY

RUNS = [
    Name(pipeline, variant)
    for pipeline in load.names(REPOSITORY)
    for variant in (load.variants(REPOSITORY, pipeline) or [None])
]


def asked(run):
    """What the transformation of a run is made from."""
    return load.reviewed(REPOSITORY, run).config.plain("features", "label", "columns", "preprocessing")


def different():
    """One run of each set of roles: variants often differ in the network alone."""
    return {repr(asked(run)): run for run in RUNS}.values()


class FirstPass(Exception):  # noqa: N818  no error
    """A pass that is not made; its argument is the folder of the graph."""


def first_pass(model, gatherers):
    assert gatherers
    raise FirstPass(model)


@pytest.mark.parametrize("run", different(), ids=lambda run: run.run)
def test_every_analyzer_of_a_shipped_pipeline_is_known(run, pack, tmp_path):
    stem = load.schema_name(REPOSITORY, run.pipeline, run.variant)
    spec = schema_utils.schema_as_feature_spec(schema_columns.schema(REPOSITORY, stem)).feature_spec
    function = functools.partial(preprocessing.preprocessing_fn, custom_config=pack(**asked(run)))

    analysis = Analysis(function, impl_helper.get_type_specs_from_feature_specs(spec), str(tmp_path))

    assert analysis.columns
    if analysis._accumulating:
        with pytest.raises(FirstPass) as caught:
            analysis.run(first_pass)
        assert caught.value.args == (str(tmp_path / "traced"),)
