"""User module of the stock pipeline, as in TFX's templates: `fit` reads rows from files."""

import types
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.public import tfxio

from models.data.split_rows import Facts
from models.roles import Features
from models.training import fit
from models.transform_graph import preprocessing
from spec import settings
from spec.columns.label import LABEL, Label

preprocessing_fn = preprocessing.preprocessing_fn


def run_fn(fn_args: Any) -> None:
    """Train the config's network as in TFX's templates, and export it with two signatures."""
    config = settings.unpack(fn_args.custom_config["settings"])
    transform = tft.TFTransformOutput(fn_args.transform_output)
    roles, label = Features.model_validate(config["features"]), Label.model_validate(config["label"])
    keras.utils.set_random_seed(config["training"]["seed"])
    # One output: the logarithm of the label, as transformed.
    head = types.SimpleNamespace(units=1)
    network, _, _ = fit.build(Facts.read(transform, roles, label).outputs, config["network"], head)
    network.compile(keras.optimizers.Adam(config["training"]["optimizer"]["learning_rate"]), "mse")
    size, epochs = config["training"]["batch_size"], config["training"]["epochs"]

    def rows(files: Any, repeat: int | None) -> tf.data.Dataset:
        options = tfxio.TensorFlowDatasetOptions(batch_size=size, label_key=LABEL, num_epochs=repeat)
        return fn_args.data_accessor.tf_dataset_factory(files, options, transform.transformed_metadata.schema)

    network.fit(
        rows(fn_args.train_files, None),
        epochs=epochs,
        steps_per_epoch=fn_args.train_steps // epochs,
        validation_data=rows(fn_args.eval_files, 1),
        verbose=2,
    )
    network.tft_layer = transform.transform_features_layer()
    # Stock ExampleGen reads digits as integers, even if the schema has BYTES; only ids are such columns.
    used = {*roles.columns(), label.column}
    raw = {name: spec for name, spec in transform.raw_feature_spec().items() if name in used}
    inputs = {name: spec for name, spec in raw.items() if name != label.column}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])  # type: ignore[untyped-decorator]
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        features = network.tft_layer(tf.io.parse_example(examples, inputs))
        output = network({name: features[name] for name in network.input})
        return {"outputs": tf.exp(output)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])  # type: ignore[untyped-decorator]
    def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(network.tft_layer(tf.io.parse_example(examples, raw)))

    signatures = {"serving_default": serve, "transform_features": transform_features}
    tf.saved_model.save(network, fn_args.serving_model_dir, signatures=signatures)
