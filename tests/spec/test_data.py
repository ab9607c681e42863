import pytest
from pydantic import ValidationError

from spec.data import Data


def test_a_split_can_be_one_word():
    assert Data(path="x", split="all").split.by == "all"
    assert Data(path="x").split.by == "hash"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"split": "al"}, "'hash', 'column', 'time', 'span', 'files' or 'all'"),
        ({"split": {"by": "column"}}, "by = 'column' needs column"),
        ({"split": {"by": "all", "train": 3}}, "train does nothing with by = 'all': take it out"),
        ({"split": {"by": "time", "salt": "x"}}, "salt does nothing with by = 'time'"),
        ({"split": {"values": {"a": "train"}}}, "values does nothing with by = 'hash'"),
        ({"split": {"by": "column", "column": "c", "test": 3}}, "test does nothing with by = 'column'"),
        ({"split": {"by": "column", "column": "c", "values": {"a": "dev"}}}, "'train', 'eval' or 'test'"),
        ({"split": "files"}, "split.by = 'files' and path = {train = ..., eval = ..., test = ...} go together"),
        ({"path": {"train": "a", "test": "b"}}, "split.by = 'files' and path = "),
        ({"path": {"train": "a", "eval": "b"}, "split": "files"}, "path needs files for train and test"),
        ({"exclude": ["a >"]}, "'a >': expected a column, a number or a text, found the end"),
        ({"max_null_label": 2}, "less than or equal to 1"),
        ({"csv": {"encoding": "latin-99"}}, "Python knows no such encoding"),
        ({"csv": {"header": False}}, r"header = false needs names = \[...\]"),
        ({"csv": {"names": ["a", "a"]}}, "a name stands twice in names"),
        ({"csv": {"delimiter": ""}}, "at least 1 character"),
        ({"csv": {"delimiter": '"'}}, "delimiter must differ from quote and escape"),
        ({"csv": {"quote": "»"}}, "quote must be one ASCII character"),
    ],
)
def test_what_cannot_be_is_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        Data(**{"path": "x", **keys})


def test_a_default_that_is_spelled_out_does_no_harm():
    data = Data(path="x", split="all")

    assert Data.model_validate(data.model_dump(mode="json")) == data
