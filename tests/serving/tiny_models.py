"""Small SavedModels with a signature for each kind of input and output."""

import json
from pathlib import Path

import tensorflow as tf

from models.export import background_rows, warm_up_requests

SPEC = {
    "x": tf.io.FixedLenFeature([1], tf.float32),
    "n": tf.io.FixedLenFeature([1], tf.int64, [0]),
    "word": tf.io.FixedLenFeature([1], tf.string, [""]),
}
CLASSES = ["no", "yes"]


def strings(*shape):
    return tf.TensorSpec([None, *shape], tf.string)


def decimals(*shape):
    return tf.TensorSpec([None, *shape], tf.float32)


class Tiny(tf.Module):
    """prediction = factor * x + n + length of word."""

    def __init__(self, factor):
        super().__init__()
        self.factor = tf.Variable(factor, dtype=tf.float32)

    def predict(self, x, n, word):
        return self.factor * x + tf.cast(n, tf.float32) + tf.cast(tf.strings.length(word), tf.float32)

    def parsed(self, examples):
        return {name: tf.reshape(value, [-1]) for name, value in tf.io.parse_example(examples, SPEC).items()}

    @tf.function
    def by_column(self, x, n, word):
        return {"prediction": self.predict(x, n, word)}

    @tf.function
    def by_example(self, examples):
        return {"prediction": self.predict(**self.parsed(examples))}

    @tf.function
    def probabilities(self, examples):
        p = tf.sigmoid(self.predict(**self.parsed(examples)))
        return {"probabilities": tf.stack([1 - p, p], 1), "classes": tf.where(p > 0.5, "yes", "no")}

    @tf.function
    def scores(self, inputs):
        p = tf.sigmoid(self.predict(**self.parsed(inputs)))
        return {"classes": tf.tile([CLASSES], [tf.size(p), 1]), "scores": tf.stack([1 - p, p], 1)}

    @tf.function
    def kinds(self, flag, small, pair, data):
        return {"flag": ~flag, "small": small + 1, "pair": pair * 2, "data_bytes": data, "data": data}

    @tf.function
    def logarithm(self, x):
        return {"log": tf.math.log(x)}

    @tf.function
    def positive(self, x):
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(x >= 0), ["x is negative"])]):
            return {"root": tf.sqrt(x)}

    @tf.function
    def turned(self, z):
        return {"real": tf.math.real(z)}

    @tf.function
    def spin(self, n):
        """Counts to the largest n."""
        return {
            "count": n * 0
            + tf.while_loop(lambda i: i < tf.reduce_max(n), lambda i: [i + 1], [tf.constant(0, tf.int64)])[0]
        }

    def signatures(self):
        vector = tf.TensorSpec([None], tf.string)
        return {
            "serving_default": self.by_column.get_concrete_function(
                x=decimals(), n=tf.TensorSpec([None], tf.int64), word=strings()
            ),
            "serving_examples": self.by_example.get_concrete_function(vector),
            "probabilities": self.probabilities.get_concrete_function(vector),
            "scores": self.scores.get_concrete_function(vector),
            "kinds": self.kinds.get_concrete_function(
                flag=tf.TensorSpec([None], tf.bool),
                small=tf.TensorSpec([None], tf.int32),
                pair=decimals(2),
                data=strings(),
            ),
            "logarithm": self.logarithm.get_concrete_function(x=decimals()),
            "positive": self.positive.get_concrete_function(x=decimals()),
            "turned": self.turned.get_concrete_function(z=tf.TensorSpec([None], tf.complex64)),
            "spin": self.spin.get_concrete_function(n=tf.TensorSpec([None], tf.int64)),
            "class_names": tf.function(lambda: {"names": tf.constant(CLASSES)}).get_concrete_function(),
        }


def example(x, n=0, word=""):
    example_proto = tf.train.Example()
    example_proto.features.feature["x"].float_list.value.append(x)
    example_proto.features.feature["n"].int64_list.value.append(n)
    example_proto.features.feature["word"].bytes_list.value.append(word.encode())
    return example_proto


BACKGROUND = [(1.0, 2, "a"), (2.0, 4, "abc"), (6.0, 0, "")]
"""Rows that a model carries to explain predictions: means 3, 2 and 4 / 3."""


def export(folder: Path, factor: float, *, warm: bool = True, explained: bool = True) -> Path:
    """Write a version with its warm-up requests, sample rows and background."""
    tiny = Tiny(factor)
    signatures = tiny.signatures()
    tf.saved_model.save(tiny, str(folder), signatures=signatures)
    rows = [example(number + 0.5, number, "abc").SerializeToString() for number in range(3)]
    if warm:
        warm_up_requests.write(str(folder), signatures, rows, ["x", "n", "word"], {})
    import base64

    (folder / "assets.extra").mkdir(exist_ok=True)
    (folder / "assets.extra/sample.json").write_text(
        json.dumps({"rows": [base64.b64encode(row).decode() for row in rows]})
    )
    if explained:
        records = f"{folder}.gz"
        with tf.io.TFRecordWriter(records, "GZIP") as writer:
            for row in BACKGROUND:
                writer.write(example(*row).SerializeToString())
        background_rows.write(str(folder), {name: name for name in SPEC}, SPEC, [records], [])
    return folder
