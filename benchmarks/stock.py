"""Pipeline of stock TFX components with the same table, schema, roles, network and splits, in its own process.

    python -m benchmarks.stock ORDER.json

It follows TFX's guides, and runs in LocalDagRunner with the default Beam arguments and the cache enabled.
"""

import json
import os
import sys
import time
from typing import Any

import tensorflow_model_analysis as tfma
from tfx import v1 as tfx

from spec import settings


def pipeline(order: dict[str, Any]) -> Any:
    """Return the pipeline of stock components.

    Args:
        order: `data` (folder with a CSV), `schema`, `config` (resolved), `root`, `steps` and `eval_steps`.
    """
    config = order["config"]
    shares, key = config["data"]["split"], config["data"]["split"]["column"]
    buckets = [tfx.proto.SplitConfig.Split(name=name, hash_buckets=shares[name]) for name in ("train", "eval", "test")]
    split_config = tfx.proto.SplitConfig(splits=buckets, **({"partition_feature_name": key} if key else {}))
    examples = tfx.components.CsvExampleGen(
        input_base=order["data"], output_config=tfx.proto.Output(split_config=split_config)
    )
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.ImportSchemaGen(schema_file=order["schema"])
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    packed = {"settings": settings.pack(config, None)}
    transform = tfx.components.Transform(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        preprocessing_fn="benchmarks.stock_module.preprocessing_fn",
        custom_config=packed,
        splits_config=tfx.proto.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
    )
    trainer = tfx.components.Trainer(
        run_fn="benchmarks.stock_module.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        train_args=tfx.proto.TrainArgs(num_steps=order["steps"]),
        eval_args=tfx.proto.EvalArgs(num_steps=order["eval_steps"]),
        custom_config=packed,
    )
    resolver = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("latest_blessed_model_resolver")
    evaluator = tfx.components.Evaluator(
        examples=examples.outputs["examples"],
        example_splits=["test"],
        model=trainer.outputs["model"],
        baseline_model=resolver.outputs["model"],
        eval_config=_eval_config(config),
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=f"{order['root']}/serving")
        ),
    )
    return tfx.dsl.Pipeline(
        pipeline_name="stock",
        pipeline_root=f"{order['root']}/artifacts",
        components=[examples, statistics, schema, validator, transform, trainer, resolver, evaluator, pusher],
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            f"{order['root']}/metadata.sqlite"
        ),
    )


def _eval_config(config: dict[str, Any]) -> Any:
    """Return the EvalConfig with the label, slices and metrics of our evaluator."""
    change = tfma.GenericChangeThreshold(direction=tfma.MetricDirection.LOWER_IS_BETTER, absolute={"value": 1e9})
    metrics = [
        tfma.MetricConfig(class_name="ExampleCount"),
        tfma.MetricConfig(
            class_name="MeanAbsoluteError",
            threshold=tfma.MetricThreshold(
                value_threshold=tfma.GenericValueThreshold(upper_bound={"value": 1e9}), change_threshold=change
            ),
        ),
        tfma.MetricConfig(class_name="MeanSquaredError"),
        tfma.MetricConfig(class_name="SquaredPearsonCorrelation"),
    ]
    slices = [tfma.SlicingSpec()] + [tfma.SlicingSpec(feature_keys=[name]) for name in config["evaluation"]["slices"]]
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(label_key=config["label"]["column"], signature_name="serving_default")],
        slicing_specs=slices,
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
    )


def main() -> int:
    """Run the pipeline, and write the seconds of each component to the file `seconds` of the order."""
    with open(sys.argv[1], encoding="utf-8") as file:
        order = json.load(file)
    os.makedirs(order["root"], exist_ok=True)
    from tfx.orchestration.portable import launcher

    seconds: dict[str, float] = {}
    launch = launcher.Launcher.launch

    def timed(self: Any) -> Any:
        started = time.monotonic()
        try:
            return launch(self)
        finally:
            seconds[self._pipeline_node.node_info.id] = time.monotonic() - started

    launcher.Launcher.launch = timed
    tfx.orchestration.LocalDagRunner().run(pipeline(order))
    with open(order["seconds"], "w", encoding="utf-8") as file:
        json.dump(seconds, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
