"""The pages as an application that any ASGI server runs."""

import base64
import hashlib
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from errors import PipelineError, ResourceError, UserError
from inspection.report import page as report
from inspection.report.markup import joined, tag
from inspection.run_history import find_run, show_run
from inspection.store import artifact_files
from inspection.store.artifact_lookup import find_artifact
from inspection.store.metadata_store import Store, open_store
from inspection.web import page_files
from inspection.web.page_layout import Page, Query, frame
from inspection.web.pages import (
    artifacts_page,
    compare_page,
    models_page,
    node_page,
    run_page,
    runs_page,
    schedules_page,
)
from inspection.web.request_guard import HEADERS, Guard
from spec.file_names import REPORT

_CHUNK = 1 << 16
_TEXT = (".txt", ".json", ".jsonl", ".pbtxt", ".csv", ".md", ".log", ".toml", ".left-out")
_MOST_TEXT = 1_000_000
"""Bytes of a text file that are shown; a larger one is offered for saving."""


class Pages:
    """Answers requests out of one store, one at a time: ML Metadata's client is not made for several threads.

    Args:
      root: The folder of all runs.
      metadata: Where else the metadata is, or None.
    """

    def __init__(self, root: str, metadata: str | None) -> None:
        self._root, self._metadata = root, metadata
        self._store: Store | None = None
        self._lock = threading.Lock()

    def routes(self) -> list[Any]:
        """Returns every address."""
        pages = {
            "/": runs_page.page,
            "/run": run_page.page,
            "/node": node_page.page,
            "/models": models_page.page,
            "/artifacts": artifacts_page.listing,
            "/artifact": artifacts_page.page,
            "/compare": compare_page.page,
            "/schedules": lambda _, query: schedules_page.page(self._root, query),
        }
        made = [Route(path, self._page(path, page)) for path, page in pages.items()]
        return [
            *made,
            Route("/style.css", self._style),
            Route("/report", self._report),
            Route("/files/{artifact:int}/{path:path}", self._file),
        ]

    def _page(self, path: str, page: Callable[[Store, Query], Page]) -> Callable[[Any], Any]:
        def answer(request: Any) -> Any:
            status = 200
            try:
                with self._lock:
                    shown = page(self._opened(), dict(request.query_params))
            except PipelineError as error:
                status = 404 if isinstance(error, UserError) else 503
                shown = Page("Not found", joined([tag("h1", "Not found"), tag("p", str(error))]))
                if isinstance(error, ResourceError):
                    self._store = None  # opened anew next time: a database may be back by then
            text = frame(shown, where=path)
            return Response(text, status_code=status, media_type="text/html")

        return answer

    def _opened(self) -> Store:
        if self._store is None:
            self._store = open_store(self._root, self._metadata)
        return self._store

    def _style(self, request: Any) -> Any:
        return Response(report.style(), media_type="text/css")

    def _report(self, request: Any) -> Any:
        """Gives a run's report.html as it stands in its folder; only its own style sheet may act."""
        try:
            with self._lock:
                store = self._opened()
                folder = show_run(store, find_run(store, request.query_params.get("id", "latest"))).run.folder
            if folder is None:
                raise UserError("this run has no folder")
            with page_files.opened(folder, REPORT) as file:
                content = file.read()
        except PipelineError as error:
            return Response(f"{error}\n", status_code=404, media_type="text/plain")
        sheets = re.findall(rb"<style>(.*?)</style>", content, re.DOTALL)[:1]
        hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(sheet).digest()).decode()}'" for sheet in sheets)
        policy = f"default-src 'none'; img-src data:; style-src 'self' {hashes}; base-uri 'none'"
        policy += "; frame-ancestors 'none'; sandbox"
        return Response(content, media_type="text/html", headers={"content-security-policy": policy})

    def _file(self, request: Any) -> Any:
        """Gives one file of an artifact, as plain text or to be saved: never as a page."""
        try:
            with self._lock:
                artifact = find_artifact(self._opened(), str(request.path_params["artifact"]))
            root = artifact_files.folder(artifact.uri, f"{artifact.type} {artifact.id}")
            path = request.path_params["path"]
            file = page_files.opened(root, path)
        except PipelineError as error:
            return Response(f"{error}\n", status_code=404, media_type="text/plain")
        size = file.seek(0, 2)
        file.seek(0)
        headers = {
            "content-length": str(size),
            "content-security-policy": f"{HEADERS['content-security-policy']}; sandbox",
        }
        plain = path.lower().endswith(_TEXT) and size <= _MOST_TEXT
        if not plain:
            headers["content-disposition"] = "attachment"
        return StreamingResponse(
            _chunks(file),
            media_type="text/plain; charset=utf-8" if plain else "application/octet-stream",
            headers=headers,
        )


def _chunks(file: Any) -> Iterable[bytes]:
    with file:
        while part := file.read(_CHUNK):
            yield part


def application(root: str, metadata: str | None = None, *, names: Iterable[str] = ()) -> Guard:
    """Makes the application.

    Args:
      root: The folder of all runs.
      metadata: Where else the metadata is, or None.
      names: Host names under which it may be asked.
    """
    return Guard(Starlette(routes=Pages(root, metadata).routes()), names=names)
