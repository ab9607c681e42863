"""Served models and their versions: loaded, warmed up, replaced by newer ones, and closed after the last request."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from serving import versions
from serving.server.batching import Arrays, Batcher
from serving.server.engines.session import Session, Signature
from serving.server.loaded_version import LoadedVersion
from serving.server.metrics import Metrics
from serving.server.row_log.row_log import RowLog
from serving.server.server_settings import ModelSource, ServerSettings
from serving.server.statuses import RequestError

LOADING, AVAILABLE, UNLOADING, END = "LOADING", "AVAILABLE", "UNLOADING", "END"
"""States of TensorFlow Serving's ModelVersionStatus."""
_ATTEMPTS = 2
"""Number of attempts to load a version: a read error of a busy disk may be gone at the next poll."""

Log = Callable[[str], object]


class ServedModel:
    """A model and its versions.

    Args:
        source: Name, serving folder and versions to serve.
        settings: Settings of the server.
        metrics: Metrics of the server.
        log: Receives a line for each version that is loaded, rejected or unloaded.
        rows: Log of served rows; None without one.

    Attributes:
        states: Version -> (state of TensorFlow Serving, error message or "").
    """

    def __init__(
        self, source: ModelSource, settings: ServerSettings, metrics: Metrics, log: Log, rows: RowLog | None = None
    ) -> None:
        self.source = source
        self._rows = rows
        self._settings = settings
        self._metrics = metrics
        self._log = log
        self._loaded: dict[int, LoadedVersion] = {}
        self._failures: dict[int, int] = {}
        self._looked = False
        self.states: dict[int, tuple[str, str]] = {}
        # Loads have a thread of their own, because they would delay batches.
        self._runs = ThreadPoolExecutor(settings.cores, thread_name_prefix="batch")
        self._loads = ThreadPoolExecutor(1, thread_name_prefix="load")

    @property
    def ready(self) -> bool:
        """Whether a version is loaded and the serving folder was polled once."""
        return self._looked and bool(self._loaded)

    @property
    def numbers(self) -> list[int]:
        """The loaded versions, ascending."""
        return sorted(self._loaded)

    async def look(self) -> None:
        """Poll the serving folder: load new versions, then retire those that are no longer to be served."""
        numbers = self._wanted(versions.pushed(self.source.folder))
        for number in sorted(numbers - self._loaded.keys(), reverse=True):
            await self._load(number)
        # The next older version takes the place of one that failed to load.
        numbers = self._wanted(versions.pushed(self.source.folder))
        if numbers & self._loaded.keys():
            for number in sorted(self._loaded.keys() - numbers):
                self._retire(number)
        self._looked = True

    def _wanted(self, numbers: list[int]) -> set[int]:
        loadable = [number for number in numbers if self._failures.get(number, 0) < _ATTEMPTS]
        if self.source.pinned:
            newest = set(loadable) & self.source.pinned
        else:
            newest = set(loadable if self.source.versions is None else loadable[-self.source.versions :])
        return newest | (set(loadable) & set(self.source.labels.values()))

    async def _load(self, number: int) -> None:
        self.states[number] = (LOADING, "")
        folder = versions.path(self.source.folder, number)
        loop = asyncio.get_running_loop()
        try:
            session, requests = await loop.run_in_executor(self._loads, self._opened, number, folder)
        except ValueError as error:
            self._failures[number] = self._failures.get(number, 0) + 1
            self.states[number] = (END, str(error))
            self._metrics.load_failed(self.source.name)
            serves = f"version {max(self._loaded)} still serves" if self._loaded else "no version serves"
            self._log(f"{self.source.name}: version {number} is rejected: {error}; {serves}")
            return
        loaded = LoadedVersion(number, session)
        for name, signature in session.signatures.items():
            if signature.batches:
                loaded.batchers[name] = self._batcher(session, signature)
        self._loaded[number] = loaded
        self.states[number] = (AVAILABLE, "")
        self._metrics.loaded(self.source.name, self.numbers)
        self._log(f"{self.source.name}: version {number} serves, warmed by {requests} requests")

    def _opened(self, number: int, folder: str) -> tuple[Session, int]:
        """Load and warm a version; return it with the number of its warm-up requests."""
        cores = self._settings.cores
        session = self._settings.engine.load(self.source.name, number, os.path.realpath(folder), cores)
        try:
            return session, session.warm_up()
        except ValueError:
            session.close()
            raise

    def _batcher(self, session: Session, signature: Signature) -> Batcher:
        settings = self._settings
        return Batcher(
            lambda inputs: session.run(signature, inputs),
            self._runs,
            slots=max(1, settings.cores // 2),  # a batch uses several cores, and requests need one
            batch_rows=settings.batch_rows,
            batch_seconds=settings.batch_seconds,
            queue_rows=settings.limits.queue_rows,
            observe=self._metrics.batches(self.source.name),
        )

    def _retire(self, number: int) -> None:
        loaded = self._loaded.pop(number)
        loaded.retired = True
        self.states[number] = (UNLOADING, "")
        self._metrics.loaded(self.source.name, self.numbers)
        if not loaded.users:
            self._close(loaded)

    def _close(self, loaded: LoadedVersion) -> None:
        self.states[loaded.number] = (END, "")
        self._log(f"{self.source.name}: version {loaded.number} is unloaded")
        self._loads.submit(loaded.session.close)

    @contextlib.contextmanager
    def use(self, number: int | None = None, label: str | None = None) -> Iterator[LoadedVersion]:
        """Keep a version open inside the `with` block: the newest, one by number, or one by label.

        Raises:
            RequestError: the version does not serve.
        """
        loaded = self._chosen(number, label)
        loaded.users += 1
        try:
            yield loaded
        finally:
            loaded.users -= 1
            if loaded.retired and not loaded.users:
                self._close(loaded)

    def labelled(self, label: str) -> int:
        """Return the number of the version with a label.

        Raises:
            RequestError: there is no such label.
        """
        if label not in self.source.labels:
            raise RequestError(f"Unrecognized servable version label: {label}")
        return self.source.labels[label]

    def _chosen(self, number: int | None, label: str | None) -> LoadedVersion:
        if label is not None:
            number = self.labelled(label)
        if number is None and self._loaded:
            return self._loaded[max(self._loaded)]
        if number in self._loaded:
            return self._loaded[number]
        if any(state == LOADING for state, _ in self.states.values()) and not self._loaded:
            raise RequestError(f"{self.source.name} is being loaded: try again later", "UNAVAILABLE")
        request = f"Latest({self.source.name})" if number is None else f"Specific({self.source.name}, {number})"
        raise RequestError(f"Servable not found for request: {request}", "NOT_FOUND")

    async def run(
        self,
        loaded: LoadedVersion,
        signature: Signature,
        inputs: Arrays,
        *,
        logged: bool = True,
        ids: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Run a signature, in a batch with other requests if its inputs and outputs have rows.

        Inputs and outputs are arrays by name. `logged` rows are a client's, and go to the log of served rows, with the
        ids that the client gave them.

        Raises:
            RequestError: inputs have different numbers of rows, more than allowed, or another number than the ids, or
                the run fails.
        """
        shapes = signature.check_shapes(inputs)
        batcher = loaded.batchers.get(signature.name)
        if batcher is None:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._runs, loaded.session.run, signature, inputs)
        counts = {shape[0] for shape in shapes}
        if len(counts) > 1:
            raise RequestError(f"inputs have different numbers of rows: {', '.join(map(str, sorted(counts)))}")
        [rows] = counts
        if rows > self._settings.limits.rows:
            raise RequestError(
                f"a request may have {self._settings.limits.rows} rows, this one has {rows}: split it", http_status=413
            )
        if ids is not None and len(ids) != rows:
            raise RequestError(f"'ids' has {len(ids)} values, and the request has {rows} rows")
        self._metrics.rows(self.source.name, rows)
        outputs = await batcher.submit(inputs, rows)
        if logged and self._rows is not None:
            model, folder = self.source.name, loaded.session.folder
            self._rows.record(model, loaded.number, folder, signature.name, inputs, outputs, ids)
        return outputs

    def close(self) -> None:
        """Stop the threads; the end of the process frees the models."""
        self._settings.engine.stop()
        self._runs.shutdown(wait=False, cancel_futures=True)
        self._loads.shutdown(wait=False, cancel_futures=True)


class ServedModels:
    """All models of the server.

    Args:
        settings: Settings of the server.
        metrics: Metrics of the server.
        log: Receives a line for each version that is loaded, rejected or unloaded.
    """

    def __init__(self, settings: ServerSettings, metrics: Metrics, log: Log) -> None:
        self._rows = RowLog(settings.row_log, log) if settings.row_log is not None else None
        shared_arguments = settings, metrics, log, self._rows
        self.by_name = {source.name: ServedModel(source, *shared_arguments) for source in settings.models}
        self.most_rows = settings.limits.rows
        self._poll_seconds = settings.poll_seconds
        self._log = log

    @property
    def ready(self) -> bool:
        """Whether each model has a loaded version."""
        return all(model.ready for model in self.by_name.values())

    def model(self, name: str) -> ServedModel:
        """Return the model of a name.

        Raises:
            RequestError: no served model has this name.
        """
        if name not in self.by_name:
            raise RequestError(f"Servable not found for request: Latest({name})", "NOT_FOUND")
        return self.by_name[name]

    async def look(self) -> None:
        """Poll all serving folders once."""
        for model in self.by_name.values():
            try:
                await model.look()
            except OSError as error:
                self._log(
                    f"{model.source.folder} cannot be read: {error.strerror or error}; the loaded versions still serve"
                )

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Poll the serving folders in the background inside the `with` block, then close the models and the log."""
        task = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            for model in self.by_name.values():
                model.close()
            if self._rows is not None:
                await asyncio.to_thread(self._rows.close)

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._poll_seconds)
