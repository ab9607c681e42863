"""Which files an Examples artifact consists of: as it declares them, or as their names show without a manifest."""

import json

import pytest

import manifest
from errors import ResourceError
from manifest import Manifest, Shard


class Files(dict):
    """Path -> content."""

    def read(self, path):
        return self.get(path)

    def names(self, folder):
        below = [path[len(folder) + 1 :] for path in self if path.startswith(f"{folder}/")]
        return sorted({path.partition("/")[0] for path in below})


def stored(*paths, **counts):
    """Files of the artifact `a`; counts of shards by the shard's name."""
    files = Files(dict.fromkeys((f"a/{path}" for path in paths), b""))
    files |= {f"a/counts/{shard}.json": json.dumps(numbers).encode() for shard, numbers in counts.items()}
    return files


def shards(files):
    return {
        split: [(shard.path, shard.rows) for shard in shards_of_split]
        for split, shards_of_split in manifest.read("a", Files(files)).splits.items()
    }


def test_what_is_declared_is_read_back_and_nothing_else():
    declared = Manifest(
        {"train": [Shard("Split-train/x.gz", 3), Shard("Split-train/y.gz")], "test": []}, ["counts/x.marks"]
    )
    files = stored("Split-train/x.gz", "Split-train/y.gz", "Split-train/z.gz", "Split-eval/x.gz", "counts/y.marks")
    files["a/manifest.json"] = manifest.dump(declared).encode()
    assert manifest.read("a", files) == declared
    assert manifest.undeclared("a", declared, files.names) == ["Split-train/z.gz"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"splits": {"train": [["../../secret", 1]]}, "marks": []}',
        '{"splits": {"../x": [["a.gz", 1]]}, "marks": []}',
        '{"splits": {"train": [["..", 1]]}, "marks": []}',
        '{"splits": {"train": [["a.gz", "1"]]}, "marks": []}',
        '{"splits": {"train": [["a.gz", -1]]}, "marks": []}',
        '{"splits": {"train": [["a.gz"]]}, "marks": []}',
        '{"splits": {}, "marks": ["counts/../../x"]}',
    ],
)
def test_a_damaged_manifest_is_refused_and_leads_nowhere_else(text):
    with pytest.raises(ResourceError, match=r"a/manifest.json is damaged"):
        manifest.read("a", Files({"a/manifest.json": text.encode()}))


def test_without_a_manifest_a_complete_set_of_shards_is_taken():
    files = stored(*(f"Split-{split}/data_tfrecord-0000{n}-of-00002.gz" for split in ("train", "eval") for n in (0, 1)))
    assert shards(files) == {
        split: [(f"Split-{split}/data_tfrecord-0000{n}-of-00002.gz", None) for n in (0, 1)]
        for split in ("eval", "train")
    }
    assert shards(stored("train/part-00000-of-00001", "other/x")) == {"train": [("train/part-00000-of-00001", None)]}
    assert shards(stored("Split-train/_x", "Split-train/.x", "Split-train/x-00000-of-00001")) == {
        "train": [("Split-train/x-00000-of-00001", None)]
    }


@pytest.mark.parametrize(
    ("names", "summary"),
    [
        (["x-00000-of-00002.gz"], "1 of 2 shards"),
        (["x-00001-of-00002.gz"], "1 of 2 shards"),
        (["x-00000-of-00001.gz", "x-00000-of-00002.gz", "x-00001-of-00002.gz"], "shards of 2 sets"),
        (["x-00000-of-00001.gz", "y-00000-of-00001.gz"], "shards of 2 sets"),
        (["x-00000-of-00001.gz", "x-00000-of-00001"], "shards of 2 sets"),
        (["x-00000-of-00001.gz", "x.gz"], "x.gz, which is not a shard"),
    ],
)
def test_without_a_manifest_what_is_no_complete_set_is_refused(names, summary):
    with pytest.raises(ResourceError, match=rf"a/Split-train: expected one complete set of shards.* found {summary};"):
        shards(stored(*(f"Split-train/{name}" for name in names)))


def test_counts_of_an_earlier_version_name_the_files_of_ready_made_splits():
    counts = {"00000-of-00002": {"train": 5, "eval": 1}, "00001-of-00002": {"test": 2}}
    files = stored("counts/00000-of-00002.marks", "counts/00001-of-00002.marks", **counts)
    assert shards(files) == {
        "train": [("Split-train/data_tfrecord-00000-of-00002.gz", 5)],
        "eval": [("Split-eval/data_tfrecord-00000-of-00002.gz", 1)],
        "test": [("Split-test/data_tfrecord-00001-of-00002.gz", 2)],
    }
    assert manifest.read("a", files).marks == ["counts/00000-of-00002.marks", "counts/00001-of-00002.marks"]
    with pytest.raises(ResourceError, match=r"a/counts: .* found shards of 2 sets"):
        shards(stored(**counts, **{"00000-of-00001": {"train": 7}}))
    with pytest.raises(ResourceError, match=r"a/counts/00000-of-00001.json is damaged"):
        shards(stored(**{"00000-of-00001": [3]}))
