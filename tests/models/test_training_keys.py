"""Keys of training that act on groups of weights and on labels."""

import numpy as np
import pytest

from .test_fit import KIND, LINE, NUMBERS, PRICE, SIDES, SOLD, table, trained


@pytest.mark.parametrize("label", [SOLD, KIND])
def test_smooth_labels_keep_probabilities_from_the_ends(label):
    kinds = np.digitize(LINE[:, 0], [-0.5, 0.5])
    rows = SIDES if label is SOLD else table(LINE, kinds)
    training = {"epochs": 40, "optimizer": {"name": "adam", "learning_rate": 0.5}, "keep": "last"}
    certain, smooth = (trained(label, rows, training={**training, "label_smoothing": share}) for share in (0.0, 0.2))

    def confidence(learnt):
        return float(np.mean(np.max(learnt.target.answer(learnt.network(dict(rows)))["probabilities"], axis=1)))

    assert confidence(smooth) < confidence(certain) - 0.03
    assert smooth.best["val_loss"] > certain.best["val_loss"], "the loss of the labels themselves"


def test_a_pattern_of_no_weight_is_refused_with_those_that_there_are():
    optimizer = {"learning_rate_factors": {"hidden*": 0.1}}
    with pytest.raises(ValueError, match=r"'hidden\*' matches no weight. Known weights: head/kernel, head/bias"):
        trained(PRICE, NUMBERS, training={"optimizer": optimizer})
