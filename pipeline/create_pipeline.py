"""The pipeline: its stages, connected in the order in which data flows."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tfx.orchestration.pipeline import Pipeline

import project
from components.baseline.component import reference_model, served
from components.evaluator import metric_catalog
from components.evaluator.component import evaluator
from components.inference.component import inference
from components.ingestion.component import ingestion
from components.plain_models.component import plain_models
from components.pusher.component import pusher
from components.schema import schema
from components.statistics.component import statistics
from components.trainer import trainer
from components.transformation.component import transformation
from components.tuner.component import tuner
from components.validation.accepted import Folders
from components.validation.component import validation
from components.validation.history import history
from models import network_files
from pipeline import plain_columns, stage_insertion, stages, user_code
from pipeline.beam_arguments import BEAM_ARGS
from pipeline.config import Config
from spec.columns.label import CLASSED


@dataclass(frozen=True, kw_only=True)
class Places:
    """Paths and settings of a pipeline that depend on where it runs, and are never part of the config.

    Attributes:
        data: The data's paths or patterns: one, several, or those of each ready-made split.
        schema: The approved schema file.
        artifacts: Folder of all artifacts, one folder a node.
        serving: Folder of pushed models.
        trials: Folder of the tuner's finished trials.
        data_content: Digest of the data; empty if unknown.
        schema_content: Digest of the schema.
        skew: Paths of served rows of [gates] skew, or None.
        skew_content: Digest of the served rows.
        predicted: Paths of the rows that [inference] predicts, or None.
        predicted_content: Digest of these rows.
        settings: Folder for long settings; None to keep them inline.
        baseline: Source of the baseline: ML Metadata, or the serving folder.
        accepted: Folder of the data that earlier runs accepted; None if ML Metadata is the source.
        metadata: Connection config of ML Metadata; None if the platform has its own.
        beam_args: Arguments of every Beam pipeline.
        cache: Whether a stage with equal inputs, parameters and code is served from the cache.
    """

    data: Any
    schema: str
    artifacts: str
    serving: str
    trials: str
    data_content: str = ""
    schema_content: str = ""
    skew: Any = None
    skew_content: str = ""
    predicted: Any = None
    predicted_content: str = ""
    settings: str | None = None
    baseline: Literal["metadata", "serving"] = "metadata"
    accepted: str | None = None
    metadata: Any = None
    beam_args: tuple[str, ...] = BEAM_ARGS
    cache: bool = True


def create_pipeline(
    *, name: str, config: Config, columns: Mapping[str, str], places: Places, advisory: bool = False
) -> Pipeline:
    """Connect the stages of a pipeline.

    Args:
        name: The pipeline's name.
        config: Its config.
        columns: Column name -> type of the approved schema.
        places: Paths and settings of the platform.
        advisory: Whether gates and rules report and block nothing, as on a sample of the rows.

    Returns:
        The TFX pipeline, which any of our targets runs or compiles.

    Raises:
        UserError: code of the user does not import, or a custom stage cannot be made.
    """
    # Import user modules first, so that their errors are reported before a stage runs.
    for module in config.user_modules():
        user_code.load(module)
    config.gates.loaded()
    for path in config.evaluation.metrics:
        metric_catalog.user_metric(path, config.label.task)
    # Rows become tf.Examples, in splits that never change.
    examples = ingestion(
        paths=project.portable(places.data),
        data=config.data,
        columns=columns,
        duties=config.columns,
        label=config.label.required,
        complete=config.features.complete(),
        content=places.data_content,
        read=config.watched(columns)["used"],
        classes=config.label.kind in CLASSED,
        notes=config.remarks(columns),
        settings_folder=places.settings,
    )

    # The statistics of each split are computed.
    measured = statistics(examples=examples.outputs["examples"])

    # The approved schema defines the expected data.
    approved = schema(path=project.portable(places.schema), content=places.schema_content)

    # Statistics of earlier data, to compare the current data with.
    earlier_statistics = None
    if places.baseline == "metadata":
        earlier_statistics = history(
            candidate=measured.outputs["statistics"], runs=config.gates.rows.runs, serving=places.serving
        )

    # The gates stop data that differs from the schema, or too much from earlier data.
    gate = validation(
        statistics=measured.outputs["statistics"],
        schema=approved.outputs["schema"],
        examples=examples.outputs["examples"],
        history=earlier_statistics.outputs["statistics"] if earlier_statistics else None,
        folders=Folders(places.accepted, places.serving) if places.accepted else None,
        gates=config.gates,
        columns=config.watched(columns),
        label=config.label,
        weight=config.columns.weight,
        source=examples.exec_properties["settings"],
        source_content=places.data_content,
        schema_path=os.path.join(*places.schema.split("/")[-2:]),
        skew=project.portable(places.skew),
        skew_content=places.skew_content,
        advisory=advisory,
        files=config.files,
        settings_folder=places.settings,
    )

    # Plain models are fitted on the same rows, for comparison with the network.
    plain = None
    if stages.fits_plain_models(config):
        kinds, left_out = plain_columns.kinds(config, columns)
        plain = plain_models(
            examples=examples.outputs["examples"],
            label=config.plain("label")["label"],
            columns=columns,
            kinds=kinds,
            left_out=left_out,
            weight=config.columns.weight,
            seconds=config.evaluation.plain_seconds,
            settings_folder=places.settings,
        )
        plain.add_upstream_node(gate)

    # Columns become features of the model, by role.
    transformed = transformation(
        examples=examples.outputs["examples"],
        schema=approved.outputs["schema"],
        config={
            **config.plain("features", "label", "columns", "preprocessing"),
            "edges": network_files.reads_edges(config.network["name"]),
        },
        files=config.files,
        settings_folder=places.settings,
    )
    transformed.add_upstream_node(gate)

    # The tuner finds the best hyperparameters for the trainer.
    tuned = None
    if config.tuner is not None:
        tuned = tuner(
            examples=transformed.outputs["transformed_examples"],
            transform_graph=transformed.outputs["transform_graph"],
            config=config.plain("features", "label", "network", "training", "tuner"),
            trials=places.trials,
            anew=not places.cache,
            files=config.files,
            settings_folder=places.settings,
        )

    # The network is trained, and exported together with its transform graph.
    warm_start = _reference(places, "warm-start") if config.training.warm_start else None
    trained = trainer(
        examples=transformed.outputs["transformed_examples"],
        transform_graph=transformed.outputs["transform_graph"],
        schema=approved.outputs["schema"],
        raw_examples=examples.outputs["examples"],
        hyperparameters=tuned.outputs["best_hyperparameters"] if tuned else None,
        config={
            **config.plain("features", "label", "columns", "network", "training"),
            "cleaning": config.cleaning(places.data),
        },
        start=warm_start.outputs["model"] if warm_start else None,
        files=config.files,
        settings_folder=places.settings,
    )

    # The baseline is the model that serves.
    baseline = _reference(places, "baseline", candidate=trained.outputs["model"])

    # A model is blessed if it is above the floor and not worse than the baseline.
    evaluation = config.plain("evaluation")["evaluation"]
    evaluated = evaluator(
        examples=examples.outputs["examples"],
        model=trained.outputs["model"],
        baseline_model=baseline.outputs["model"],
        baseline_blessing=baseline.outputs.get("model_blessing"),
        baseline_examples=baseline.outputs.get("examples"),
        plain_predictions=plain.outputs["plain_predictions"] if plain else None,
        task=config.label.task,
        label=config.label.column,
        columns=columns,
        slices=config.evaluation.parts(),
        max_slices=config.evaluation.max_slices,
        threshold=config.evaluation.threshold,
        top_k=config.evaluation.top_k,
        precision_at=config.evaluation.precision_at,
        floor=config.evaluation.floor,
        baseline=evaluation["baseline"] or (),
        rules=evaluation["rules"],
        gaps=evaluation["gaps"],
        identifier=config.columns.id,
        group=config.columns.group or config.columns.id,
        weight=config.columns.weight,
        advisory=advisory,
        importance=config.evaluation.importance,
        metrics=config.evaluation.metrics,
        files=config.files,
        settings_folder=places.settings,
    )

    # A blessed model becomes the next served version.
    pushed = pusher(
        model=trained.outputs["model"],
        blessing=evaluated.outputs["blessing"],
        serving=places.serving,
        keep=config.push.keep,
        uncompared=config.push.uncompared or advisory,
        older_span=config.push.older_span or advisory,
        spans=config.data.span_unit,
        repeat=places.baseline == "metadata",
    )

    # The blessed model predicts further rows.
    inferred = None
    if config.inference is not None:
        inferred = inference(
            model=trained.outputs["model"],
            blessing=evaluated.outputs["blessing"],
            section=config.inference,
            paths=project.portable(places.predicted),
            content=places.predicted_content,
            data=config.data,
            label=config.label,
            label_type=columns.get(config.label.column or "", "BYTES"),
            identifier=config.columns.id,
            images=[image.column for image in config.features.of("image")],
            settings_folder=places.settings,
        )
        inferred.add_upstream_node(pushed)

    # Custom stages are inserted between these stages.
    data = (examples, measured, approved, earlier_statistics, gate, plain, transformed)
    built_in = (*data, warm_start, tuned, trained, baseline, evaluated, pushed, inferred)
    nodes = stage_insertion.insert([node for node in built_in if node is not None], config)

    return Pipeline(
        pipeline_name=name,
        pipeline_root=places.artifacts,
        components=nodes,
        enable_cache=places.cache,
        metadata_connection_config=places.metadata,
        beam_pipeline_args=list(places.beam_args),
    )


def _reference(places: Places, name: str, candidate: Any = None) -> Any:
    """Return the node that finds the model that serves; see components/baseline/reference.py."""
    if places.baseline == "metadata":
        return reference_model(serving=places.serving, candidate=candidate, name=name)
    # Only a comparison needs the rows that the model was trained on.
    accepted = places.accepted if candidate is not None else None
    return served(serving=places.serving, accepted=accepted, candidate=candidate, name=name)
