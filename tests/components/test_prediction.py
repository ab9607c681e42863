import pytest
import tensorflow as tf

from components.evaluator import prediction


@pytest.mark.parametrize(
    ("shape", "expected"), [((1,), 4096), ((28, 28, 1), 1337), ((224, 224, 3), 6), ((4096, 4096, 3), 1), (None, 4096)]
)
def test_pictures_are_predicted_in_smaller_batches(tmp_path, shape, expected):
    module = tf.Module()
    text = tf.TensorSpec([None], tf.string, name="examples")

    @tf.function(input_signature=[text])
    def serving_examples(examples):
        return {"prediction": tf.zeros(tf.shape(examples))}

    @tf.function(input_signature=[text])
    def transform_features(examples):
        return {"image_pixels": tf.zeros([tf.size(examples), *shape])}

    signatures = {"serving_examples": serving_examples}
    if shape is not None:
        signatures["transform_features"] = transform_features
    tf.saved_model.save(module, str(tmp_path), signatures=signatures)

    assert prediction.Model(str(tmp_path), "regression").batch == expected
