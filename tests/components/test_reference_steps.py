import pytest

from .test_reference_states import Weeks


@pytest.mark.parametrize("repeated", [1, 2, 3])
def test_a_model_that_is_judged_again_without_what_it_was_compared_with_stays_below_the_best(repeated):
    weeks = Weeks()
    try:
        weeks.begin(0.5)
        for down in (0.0, 0.03125):
            weeks.a_little_worse(down)
        weeks.clean()
        for _ in range(repeated):
            weeks.run("", False)
        replaced = Weeks.counts["replaced"]
        weeks.a_little_worse(0.03125)
        assert Weeks.counts["replaced"] == replaced, "3 % of a tolerance of 5 % were used up"
    finally:
        weeks.teardown()
