import pytest
import tensorflow as tf

from models.transforms import categories


@pytest.mark.parametrize("name", ["größe_index", "名前_index", "naïve?_index", "_x_index", "a b_index"])
def test_a_vocabulary_s_name_is_one_that_tensorflow_takes(name):
    made = categories.vocabulary_name(name)
    with tf.Graph().as_default(), tf.name_scope(made):
        pass
    assert made.isascii()
    assert made != categories.vocabulary_name(f"{name}é")
    assert categories.vocabulary_name("zip_index") == "zip_index"
