import importlib.util
import os
import py_compile
import struct
from pathlib import Path

from components.fingerprints import parsed_sources
from models import progress

from .trees import copy_code
from .warm import REPOSITORY


def test_a_copy_of_the_repository_has_its_parsed_sources_and_bytecode_that_is_valid(tmp_path):
    source = Path(progress.__file__)
    py_compile.compile(str(source))
    parsed_sources.read("models", source.read_bytes())
    parsed_sources.save()
    copy_code(tmp_path)

    copied = tmp_path / source.relative_to(REPOSITORY)
    with open(importlib.util.cache_from_source(str(copied)), "rb") as file:
        _, flags, modified, size = struct.unpack("<4sIII", file.read(16))
    assert (flags, modified, size) == (0, int(copied.stat().st_mtime), copied.stat().st_size)
    parsed = os.path.join(parsed_sources.FOLDER, parsed_sources.FILE)
    assert (tmp_path / parsed).read_bytes() == (REPOSITORY / parsed).read_bytes()
