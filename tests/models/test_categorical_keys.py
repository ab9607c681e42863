"""Keys of a categorical column that contradict each other."""

import pytest
from pydantic import ValidationError

from models.features.categorical import Settings


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"encode": "ordinal"}, "encode = 'ordinal' needs categories"),
        ({"categories": ["a", "b"], "vocabulary_size": 5}, "vocabulary_size and min_frequency have no effect"),
        ({"categories": ["a", "b"], "min_frequency": 2}, "vocabulary_size and min_frequency have no effect"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        Settings(column="city", **keys)


def test_listed_categories_need_no_other_keys():
    assert Settings(column="city", categories=["a", "b"]).categories == ("a", "b")
