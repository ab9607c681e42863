"""Files that pages may show."""

import asyncio
import re
import runpy
from pathlib import Path

import httpx
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from errors import UserError
from inspection.web import app, page_files
from inspection.web.pages import artifacts_page

MADE = runpy.run_path(str(Path(__file__).with_name("made.py")))


def test_a_file_that_becomes_a_link_after_the_look_is_not_opened(tmp_path, monkeypatch):
    secret, page_file = tmp_path / "secret.txt", tmp_path / "artifact" / "shown.txt"
    page_file.parent.mkdir()
    secret.write_text("what nobody may read")
    page_file.write_text("shown")
    with page_files.opened(str(page_file.parent), "shown.txt") as file:
        assert file.read() == b"shown"
    looked = page_files.within

    def swapped(root, *names):
        path = looked(root, *names)
        page_file.unlink()
        page_file.symlink_to(secret)
        return path

    monkeypatch.setattr(page_files, "within", swapped)
    with pytest.raises(UserError, match="file not found"):
        page_files.opened(str(page_file.parent), "shown.txt")


def test_a_text_of_the_largest_size_is_shown_and_a_larger_one_is_a_download(tmp_path, monkeypatch):
    MADE["make"](tmp_path)
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app.application(str(tmp_path))), base_url="http://127.0.0.1"
    )

    def get(path):
        return asyncio.run(client.get(path))

    [*_, evaluation] = re.findall(r'href="/artifact\?id=(\d+)"', get("/artifacts?type=ModelEvaluation").text)
    size = len(get(f"/files/{evaluation}/verdict.json").content)
    for limit, kind in ((size, "text/plain; charset=utf-8"), (size - 1, "application/octet-stream")):
        monkeypatch.setattr(app, "_MAX_TEXT_BYTES", limit)
        response = get(f"/files/{evaluation}/verdict.json")
        assert response.headers["content-type"] == kind
        assert ("content-disposition" in response.headers) is (limit < size)


def test_content_next_to_a_link_to_outside_is_not_shown(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    section = artifacts_page.content_section(pb.Artifact(type="Schema", uri=str(tmp_path)))
    assert re.sub("<[^>]*>", "", str(section)) == ("Its folder contains links to outside, so its content is not shown.")
