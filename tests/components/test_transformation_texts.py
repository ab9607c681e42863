"""Texts without a known word are counted while they are transformed."""

import tensorflow as tf
from tensorflow_transform import TFTransformOutput

from components.transformation import executor, graph_passes
from manifest import Shard

TEXTS = ["good film", "good day", "bad film", "", "好", "good"]


def test_texts_without_a_known_word_are_counted_by_split(analyze, pack, write_examples, beam_pipeline, tmp_path):
    features = {"text": [{"column": "t", "vocabulary_size": 2}]}
    graph = analyze(tmp_path, {"t": TEXTS, "y": [1.0] * 6}, pack(features=features, label={"column": "y"}))
    spec = {"t": tf.io.FixedLenFeature([1], tf.string), "y": tf.io.FixedLenFeature([1], tf.float32)}
    later = str(write_examples(tmp_path / "later.gz", {"t": ["film", "unseen", "words"], "y": [1.0] * 3}))
    sources = {str(tmp_path / "1.gz"): Shard(str(tmp_path / "raw.gz")), str(tmp_path / "2.gz"): Shard(later)}
    output = TFTransformOutput(graph)
    results = graph_passes.materialize(
        beam_pipeline,
        sources,
        spec,
        output.transform_savedmodel_dir,
        output.transformed_metadata.schema,
        str(tmp_path),
        bags=["t_bag"],
    )

    assert list(results.values()) == [(6, {"t_bag": 2}), (3, {"t_bag": 2})]
    by_split = {"train": [results[str(tmp_path / "1.gz")]], "eval": [results[str(tmp_path / "2.gz")]]}
    assert executor._unknown_text_note(by_split, ["t_bag"]) == (
        "; 't' has no known word in 2 of 6 train (33.3 %), 2 of 3 eval (66.7 %)"
    )
    assert executor._unknown_text_note({"train": [(6, {"t_bag": 0})]}, ["t_bag"]) == ""
