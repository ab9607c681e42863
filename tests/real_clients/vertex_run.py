"""Run a job for Vertex AI twice with the clients of TensorFlow, Beam and obstore, in a network namespace of its own.

    python tests/real_clients/vertex_run.py JOB OUT

The code, schema and data are those of the current folder. The bucket is a server on this machine that has Google's
names and speaks TLS, and the steps get their token from a metadata server. What a dry run replaces by folders, the
steps therefore do themselves. OUT receives what a dry run writes, requests.json: method and path of each request, and
objects.json: the names of all objects at the end.
"""

import json
import os
import sys
import types
from collections.abc import Mapping
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[0] = os.getcwd()
# The installed packages hold a `tests` of their own.
sys.modules["tests"] = types.ModuleType("tests")
sys.modules["tests"].__path__ = [str(_TESTS)]

from orchestration.cloud import job_file  # noqa: E402
from orchestration.cloud.emulation import dry_run, platforms  # noqa: E402
from tests import namespace_network  # noqa: E402
from tests.object_stores import FakeGcs  # noqa: E402
from tests.real_clients.google_apis import HOSTS, google  # noqa: E402


class VertexWithBuckets(platforms.Vertex):
    """Vertex AI whose steps use the bucket themselves.

    Args:
        storage: The server of the bucket.
        variables: Variables of each step.
    """

    def __init__(self, storage: FakeGcs, variables: Mapping[str, str]) -> None:
        self._storage, self._variables = storage, variables

    def prepare(self, executor_input: Mapping[str, object], buckets: str, pod: str) -> dict[str, str]:
        """Return the variables: no folder takes the place of the bucket."""
        return dict(self._variables)

    def collect(self, executor_input: Mapping[str, object], buckets: str, pod: str) -> dict[str, platforms.Artifact]:
        """Copy the objects to the folder of a dry run, which reads the results there."""
        for (bucket, name), (data, _) in list(self._storage.objects.items()):
            path = os.path.join(buckets, "gs", bucket, name)
            if name.endswith("/"):
                os.makedirs(path, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        return super().collect(executor_input, buckets, pod)


def main(job: str, out: str) -> None:
    """Run a job twice."""
    namespace_network.start(*HOSTS)
    folder = Path(out)
    name = job_file.run_name(job, "vertex")
    with google(folder) as (storage, variables):
        dry_run.PLATFORMS = {"vertex": VertexWithBuckets(storage, variables)}
        order = dry_run.Order(target="vertex", job=job, folder=str(folder / name), mode="subprocess")
        try:
            for _ in range(2):
                dry_run.run(order)
        finally:
            requests = [[method, f"{bucket}/{name}".lstrip("/")] for method, bucket, name, _ in storage.requests]
            (folder / "requests.json").write_text(json.dumps(requests))
            (folder / "objects.json").write_text(json.dumps([name for _, name in sorted(storage.objects)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
