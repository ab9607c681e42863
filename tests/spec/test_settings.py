import json
import os

import pytest

from spec import settings

SHORT = {"name": "mlp", "layers": [8, 4]}
LONG = {"columns": [f"column_{number}" for number in range(200)], "umlaut": "Höhe"}


@pytest.mark.parametrize("values", [SHORT, LONG, {}])
@pytest.mark.parametrize("with_folder", [True, False])
def test_what_is_packed_is_unpacked(tmp_path, values, with_folder):
    packed = settings.pack(values, str(tmp_path) if with_folder else None)

    assert settings.unpack(json.loads(json.dumps(packed))) == values


def test_short_settings_travel_in_line(tmp_path):
    assert settings.pack(SHORT, str(tmp_path)) == {"inline": SHORT}
    assert os.listdir(tmp_path) == []


def test_long_settings_travel_as_a_reference_below_the_stores_limit(tmp_path):
    folder = tmp_path / "new" / "settings"
    packed = settings.pack(LONG, str(folder))

    assert set(packed) == {"file", "sha256"}
    assert len(json.dumps(packed)) < 2700
    assert os.listdir(folder) == [os.path.basename(packed["file"])]


def test_the_longest_text_in_line_stays_below_the_stores_limit(tmp_path):
    longest = {"a": "x" * (settings.INLINE_BYTES - len(json.dumps({"a": ""})))}

    assert settings.pack(longest, str(tmp_path)) == {"inline": longest}
    assert "file" in settings.pack({"a": longest["a"] + "x"}, str(tmp_path))
    assert len(json.dumps(settings.pack(longest, str(tmp_path)))) < 2700


def test_without_a_folder_everything_is_in_line():
    assert settings.pack(LONG, None) == {"inline": LONG}


def test_equal_settings_share_a_file_and_others_do_not(tmp_path):
    turned = dict(reversed(LONG.items()))

    assert settings.pack(LONG, str(tmp_path)) == settings.pack(turned, str(tmp_path))
    assert settings.pack(LONG, str(tmp_path)) != settings.pack({**LONG, "seed": 2}, str(tmp_path))
    assert len(os.listdir(tmp_path)) == 2


def test_a_changed_file_is_refused(tmp_path):
    packed = settings.pack(LONG, str(tmp_path))
    with open(packed["file"], "a") as file:
        file.write(" ")

    with pytest.raises(ValueError, match=r"\.json was changed since the run started"):
        settings.unpack(packed)


def test_packing_again_restores_a_changed_file(tmp_path):
    packed = settings.pack(LONG, str(tmp_path))
    with open(packed["file"], "w") as file:
        file.write("{}")

    assert settings.unpack(settings.pack(LONG, str(tmp_path))) == LONG


def test_a_backslash_goes_into_a_file_because_postgresql_refuses_it(tmp_path):
    quoted = {"quote": '"'}

    packed = settings.pack(quoted, str(tmp_path))
    assert set(packed) == {"file", "sha256"}
    assert settings.unpack(packed) == quoted
    assert settings.pack({"quote": "'"}, str(tmp_path)) == {"inline": {"quote": "'"}}
