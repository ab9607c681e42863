import pytest
import tensorflow as tf

from models.transform_graph import vocabularies


@pytest.mark.parametrize("name", ["größe_index", "名前_index", "naïve?_index", "_x_index", "a b_index"])
def test_a_vocabulary_s_name_is_one_that_tensorflow_takes(name):
    vocabulary = vocabularies.vocabulary_name(name)
    with tf.Graph().as_default(), tf.name_scope(vocabulary):
        pass
    assert vocabulary.isascii()
    assert vocabulary != vocabularies.vocabulary_name(f"{name}é")
    assert vocabularies.vocabulary_name("zip_index") == "zip_index"


@pytest.mark.parametrize("column", ["q" * 295, "名" * 95, "How much? " * 30])
def test_the_vocabulary_of_a_long_name_is_a_file_of_its_own(column):
    names = [vocabularies.vocabulary_name(f"{column}{end}_index") for end in ("", "a", "b")]
    assert len(set(names)) == 3
    assert max(map(len, names)) <= 255
    with tf.Graph().as_default(), tf.name_scope(names[0]):
        pass
    assert vocabularies.vocabulary_name("q" * 255) == "q" * 255
