"""The model card's section on requests."""

from inspection.report import request_section


def test_the_card_shows_how_to_ask_the_model():
    guide = {
        "inputs": [
            {"name": "sq_ft", "column": "sq ft", "dtype": "float32", "nullable": True, "null": "NaN"},
            {"name": "zone", "column": "zone", "dtype": "string", "nullable": False},
        ],
        "samples": {"serving_default": {"instances": [{"sq_ft": float("nan"), "zone": "<b>" + "x" * 300}]}},
    }
    lines = list(request_section.requests(guide))

    assert "| sq\\_ft | sq ft | float32 | as NaN |" in lines
    assert "| zone | the same | string | no |" in lines
    assert any('{"instances": [{"sq_ft": NaN, "zone": "<b>xxx' in line and "..." in line for line in lines)
    assert not list(request_section.requests({}))
