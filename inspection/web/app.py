"""ASGI application with the pages."""

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
from inspection.store import artifact_files, file_rights
from inspection.store.artifact_lookup import find_artifact
from inspection.store.metadata_store import Store
from inspection.store.replayed_store import open_root
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
_MAX_TEXT_BYTES = 1_000_000
"""Text files up to this size are shown; larger ones are downloads."""


class Pages:
    """Request handlers on one store, one request at a time, as ML Metadata's client is not thread-safe.

    Args:
      root: The folder of all runs.
      metadata: URL of the store; None for SQLite in the root.
    """

    def __init__(self, root: str, metadata: str | None) -> None:
        self._root, self._metadata = root, metadata
        self._store: Store | None = None
        self._lock = threading.Lock()

    def routes(self) -> list[Any]:
        """Return the routes of all pages."""
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
        page_routes = [Route(path, self._page(path, page)) for path, page in pages.items()]
        return [
            *page_routes,
            Route("/style.css", self._style),
            Route("/report", self._report),
            Route("/files/{artifact:int}/{path:path}", self._file),
        ]

    def _page(self, path: str, page: Callable[[Store, Query], Page]) -> Callable[[Any], Any]:
        def respond(request: Any) -> Any:
            status = 200
            try:
                with self._lock:
                    content = page(self._open_store(), dict(request.query_params))
            except (PipelineError, PermissionError) as caught:
                error = _refused(caught)
                status = 404 if isinstance(error, UserError) else 503
                title = "Not found" if status == 404 else "Unavailable"
                content = Page(title, joined([tag("h1", title), tag("p", str(error))]))
                if isinstance(error, ResourceError):
                    self._store = None  # opened again for the next request, since a database may recover
            text = frame(content, path=path)
            return Response(text, status_code=status, media_type="text/html")

        return respond

    def _open_store(self) -> Store:
        if self._store is None:
            self._store = open_root(self._root, self._metadata)
        return self._store

    def _style(self, request: Any) -> Any:
        return Response(report.style(), media_type="text/css")

    def _report(self, request: Any) -> Any:
        """Return a run's report.html unchanged, with a policy that allows only its own style sheet."""
        try:
            with self._lock:
                store = self._open_store()
                folder = show_run(store, find_run(store, request.query_params.get("id", "latest"))).run.folder
            if folder is None:
                raise UserError("the store has no folder of this run")
            with page_files.opened(folder, REPORT) as file:
                content = file.read()
        except (PipelineError, PermissionError) as error:
            return Response(f"{_refused(error)}\n", status_code=404, media_type="text/plain")
        sheets = re.findall(rb"<style>(.*?)</style>", content, re.DOTALL)[:1]
        hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(sheet).digest()).decode()}'" for sheet in sheets)
        policy = f"default-src 'none'; img-src data:; style-src 'self' {hashes}; base-uri 'none'"
        policy += "; frame-ancestors 'none'; sandbox"
        return Response(content, media_type="text/html", headers={"content-security-policy": policy})

    def _file(self, request: Any) -> Any:
        """Return a file of an artifact, as plain text or as a download, never as HTML."""
        try:
            with self._lock:
                artifact = find_artifact(self._open_store(), str(request.path_params["artifact"]))
            root = artifact_files.folder(artifact.uri, f"{artifact.type} {artifact.id}")
            path = request.path_params["path"]
            file = page_files.opened(root, path)
        except (PipelineError, PermissionError) as error:
            return Response(f"{_refused(error)}\n", status_code=404, media_type="text/plain")
        size = file.seek(0, 2)
        file.seek(0)
        headers = {
            "content-length": str(size),
            "content-security-policy": f"{HEADERS['content-security-policy']}; sandbox",
        }
        plain = path.lower().endswith(_TEXT) and size <= _MAX_TEXT_BYTES
        if not plain:
            headers["content-disposition"] = "attachment"
        return StreamingResponse(
            _chunks(file),
            media_type="text/plain; charset=utf-8" if plain else "application/octet-stream",
            headers=headers,
        )


def _refused(error: PipelineError | PermissionError) -> PipelineError:
    """Return an error with the missing right, if a file may not be read."""
    if isinstance(error, PipelineError):
        return error
    return ResourceError(file_rights.refusal(str(error.filename or "."), "read"))


def _chunks(file: Any) -> Iterable[bytes]:
    with file:
        while part := file.read(_CHUNK):
            yield part


def application(root: str, metadata: str | None = None, *, names: Iterable[str] = ()) -> Guard:
    """Return the application.

    Args:
      root: The folder of all runs.
      metadata: URL of the store; None for SQLite in the root.
      names: Host names that it accepts.
    """
    return Guard(Starlette(routes=Pages(root, metadata).routes()), names=names)
