import gzip
import re
from pathlib import Path
from typing import Any

import pytest

import manifest
from errors import ResourceError, UserError
from inspection.read import example_rows
from manifest import Manifest, Shard


@pytest.fixture
def rows(writer: Any, write_examples: Any, tmp_path: Path) -> Path:
    """Examples of two splits, and a transformed form of them that came later."""
    folder = tmp_path / "examples"
    picture = b"\x89PNG" + bytes(90)
    write_examples(folder / "Split-eval", [{"city": [b"Rome"], "grade": [7]}])
    write_examples(
        folder / "Split-train",
        [
            {"city": ["Zürich".encode()], "grade": [3], "area": [1.5], "image": [picture]},
            {"city": [], "grade": [1, 2, 3, 4, 5], "area": [float("nan")], "image": [b"\xff\x00"]},
            {"city": [b"\x1b[31m"], "grade": [127], "area": [2.0], "image": [b""]},
        ],
    )
    run = writer.run("r")
    [artifact] = run.node("ingestion", outputs=[("examples", "Examples")], uri=str(folder))
    write_examples(tmp_path / "transformed/Split-train", [{"grade_z": [0.5]}])
    run.node(
        "transform", inputs=[("examples", artifact)], outputs=[("e", "Examples")], uri=str(tmp_path / "transformed")
    )
    return folder


def test_rows_are_shown_for_people(rows: Path, ask: Any) -> None:
    head, header, *lines = [line for line in ask("examples").splitlines() if line]
    assert head == "Examples 1, split train of train, eval"
    assert header.split() == ["area", "city", "grade", "image"]
    assert re.split(r"\s{2,}", lines[0]) == ["1.5", "Zürich", "3", "<PNG of 94 bytes>"]
    assert re.split(r"\s{2,}", lines[1]) == ["NaN", "-", "1, 2, 3, 4, ... (5 values)", "<2 bytes>"]
    assert lines[2].split()[:2] == ["2", r"\x1b[31m"]
    assert len([line for line in ask("examples", "-n", "1").splitlines() if line]) == 3


def test_json_holds_the_values_as_they_are(rows: Path, ask: Any) -> None:
    answer = ask("examples", "1", "--json", "-n", "2")
    assert (answer["split"], answer["splits"], len(answer["rows"])) == ("train", ["train", "eval"], 2)
    assert answer["rows"][1] == {"area": [None], "city": [], "grade": [1, 2, 3, 4, 5], "image": [{"b64": "/wA="}]}
    assert ask("examples", "1", "--split", "eval", "--json")["rows"] == [{"city": ["Rome"], "grade": [7]}]
    assert ask("examples", "2", "--json")["rows"] == [{"grade_z": [0.5]}]
    assert ask("examples", "r", "--json")["artifact"] == 1, "the run's first, nearest to the data"


def test_what_cannot_be_shown_is_reported(rows: Path, writer: Any, ask: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Examples 1 has no split 'evil'\. Did you mean 'eval'\?"):
        ask("examples", "1", "--split", "evil")
    run = writer.run("s")
    run.node("a", outputs=[("examples", "Examples")], uri="gs://bucket/x")
    run.node("b", outputs=[("examples", "Examples")], uri=str(tmp_path / "gone"))
    run.node("c", outputs=[("examples", "Examples")], facts={"examples": {"payload_format": "FORMAT_PARQUET"}})
    run.node("d", outputs=[("model", "Model")])
    with pytest.raises(UserError, match=r"Examples 3 is at gs://bucket/x.* copy it to this machine"):
        ask("examples", "3")
    with pytest.raises(ResourceError, match=r"Examples 4: .*gone does not exist: it was deleted"):
        ask("examples", "4")
    with pytest.raises(UserError, match=r"Examples 5 is in the format FORMAT_PARQUET"):
        ask("examples", "5")
    with pytest.raises(
        UserError, match=r"artifact 6 is of type Model\. Expected one of type Examples, such as 5, 4, 3"
    ):
        ask("examples", "6")
    with pytest.raises(UserError, match=r"no artifact '99' in .*Did you mean '\d'\?"):
        ask("examples", "99")


def test_damage_names_the_file(rows: Path, ask: Any) -> None:
    [file] = (rows / "Split-train").iterdir()
    sound = file.read_bytes()
    records = gzip.decompress(sound)
    for content in (sound[:-30], records[:-3], b"not a record", b"\x1f\x8bno gzip", records[:8] + b"\xff" * 12):
        file.write_bytes(content)
        with pytest.raises(ResourceError, match=re.escape(f"{file} is damaged after record")):
            ask("examples", "1")
    broken = bytearray(records)
    broken[12:16] = b"\xff\xff\xff\xff"
    file.write_bytes(broken)
    with pytest.raises(ResourceError, match=re.escape(f"{file}: record 0 is not a tf.Example")):
        ask("examples", "1")


def test_the_files_are_those_that_are_declared(rows: Path, ask: Any, write_examples: Any) -> None:
    [file] = (rows / "Split-train").iterdir()
    (rows / "Split-train/data_tfrecord-00001-of-00002.gz").write_bytes(file.read_bytes())
    with pytest.raises(ResourceError, match=r"Split-train: expected one complete set .* found shards of 2 sets"):
        ask("examples", "1")
    declared = Manifest({"train": [Shard(f"Split-train/{file.name}", 3)]})
    (rows / "manifest.json").write_text(manifest.dump(declared))
    answer = ask("examples", "1", "--json", "-n", "99")
    assert (answer["splits"], len(answer["rows"])) == (["train"], 3)
    for count in (2, 4):
        declared = Manifest({"train": [Shard(f"Split-train/{file.name}", count)]})
        (rows / "manifest.json").write_text(manifest.dump(declared))
        with pytest.raises(ResourceError, match=rf"{file} has 3 rows but its artifact declares {count}"):
            ask("examples", "1", "-n", "99")
    file.unlink()
    with pytest.raises(ResourceError, match=rf"{file} does not exist, but its artifact declares it"):
        ask("examples", "1")


def test_a_row_is_read_as_tensorflow_reads_it(tmp_path: Path, writer: Any, ask: Any) -> None:
    import tensorflow as tf

    columns = {
        "ints": tf.train.Feature(int64_list=tf.train.Int64List(value=[0, 1, -1, 2**63 - 1, -(2**63), 300])),
        "floats": tf.train.Feature(float_list=tf.train.FloatList(value=[0.0, -1.5, 3e38, float("inf")])),
        "words": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"", b"x" * 70_000, "é".encode()])),
        "nothing": tf.train.Feature(),
        "none": tf.train.Feature(float_list=tf.train.FloatList()),
    }
    record = tf.train.Example(features=tf.train.Features(feature=columns)).SerializeToString()
    expected = {
        name: list(getattr(feature, feature.WhichOneof("kind")).value) if feature.WhichOneof("kind") else []
        for name, feature in sorted(columns.items())
    }
    assert example_rows.parse_example(record) == expected
    for compression in ("", "GZIP"):
        folder = tmp_path / f"examples{compression}"
        (folder / "Split-train").mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "Split-train/part-00000-of-00001"), compression) as file:
            file.write(record)
            file.write(record)
        writer.run(f"r{compression}").node("gen", outputs=[("examples", "Examples")], uri=str(folder))
        assert len(ask("examples", "--json", "-n", "5")["rows"]) == 2
