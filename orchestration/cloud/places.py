"""Where a step finds files on this machine: the launcher's folders on Kubeflow, and the folders of a dry run.

Kubeflow's launcher downloads the inputs of a step to /gcs, /s3 or /minio and uploads its outputs from there, so that
the step itself needs no client of the object store. A dry run has no such folders at the root of the file system and no
object store: two environment variables name the folders that take their place.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LAUNCHER = {"gs": "gcs", "s3": "s3", "minio": "minio"}
"""Scheme of a bucket -> the launcher's folder of its files."""
POD = "PIPELINE_POD"
"""Environment variable of a dry run: folder that takes the place of / for the launcher's folders."""
BUCKETS = "PIPELINE_BUCKETS"
"""Environment variable of a dry run: folder that takes the place of all buckets; gs://B/x is FOLDER/gs/B/x."""
DATA = "PIPELINE_DATA"
"""Environment variable of a dry run: JSON list of the URIs and patterns of data that is read in its real bucket."""
_IN_TEXT = re.compile(rf'(^|")({"|".join(LAUNCHER)})://([^"\\]*)')
"""A URI that is a whole text, or begins a string inside JSON."""


def in_buckets(uri: str, buckets: str) -> str:
    """Return the path of a URI in the folder of a dry run; another text stays as it is."""
    scheme, separator, bucket_path = uri.partition("://")
    return os.path.join(buckets, scheme, bucket_path) if separator and scheme in LAUNCHER else uri


@dataclass(frozen=True)
class Places:
    """Folders of this machine that a step uses in place of buckets.

    Attributes:
        artifacts: Prefix of a URI -> prefix of the path; of artifacts and of the file that receives the outputs.
        buckets: Folder of all buckets in a dry run; empty outside of one.
        data: URIs that stay as they are.
    """

    artifacts: Mapping[str, str]
    buckets: str
    data: frozenset[str] = frozenset()

    def local(self, value: Any) -> Any:
        """Replace URIs by paths in an artifact's field, or in a nested JSON value."""
        return _replaced(value, dict(self.artifacts))

    def remote(self, value: Any) -> Any:
        """Replace paths by URIs: the reverse of `local`, also of URIs in parameters."""
        back = {local: uri for uri, local in self.artifacts.items() if "://" in uri}
        if self.buckets:
            back |= {f"{self.buckets}/{scheme}/": f"{scheme}://" for scheme in LAUNCHER}
        return _replaced(value, back)

    def parameter(self, value: Any) -> Any:
        """Replace URIs by the folders of a dry run in a parameter; Kubeflow's launcher does not download these."""
        if not self.buckets or not isinstance(value, str):
            return value
        return _IN_TEXT.sub(self._replace, value)

    def _replace(self, match: re.Match[str]) -> str:
        prefix, scheme, bucket_path = match.groups()
        return (
            match[0] if f"{scheme}://{bucket_path}" in self.data else f"{prefix}{self.buckets}/{scheme}/{bucket_path}"
        )


def of(output_file: str, environment: Mapping[str, str]) -> Places:
    """Determine the folders of a step.

    Args:
        output_file: Where the step writes its outputs' properties. On Kubeflow it is in one of the launcher's folders;
            on Vertex AI it is in the bucket, even though the service may mount buckets below /gcs.
        environment: Environment variables.
    """
    pod, buckets = environment.get(POD, ""), environment.get(BUCKETS, "")
    folders = {scheme: f"/{name}/" for scheme, name in LAUNCHER.items()}
    if output_file.startswith(tuple(folders.values())):
        artifacts = {f"{scheme}://": pod + path for scheme, path in folders.items() if os.path.isdir(pod + path)}
        # The launcher passes the output file as a path already.
        artifacts |= {path: pod + path for path in folders.values()} if pod else {}
    else:
        artifacts = {f"{scheme}://": f"{buckets}/{scheme}/" for scheme in folders} if buckets else {}
    return Places(artifacts, buckets, frozenset(json.loads(environment.get(DATA) or "[]")))


def _replaced(value: Any, prefixes: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        prefix = next((prefix for prefix in prefixes if value.startswith(prefix)), None)
        return value if prefix is None else prefixes[prefix] + value[len(prefix) :]
    if isinstance(value, Mapping):
        return {key: _replaced(part, prefixes) for key, part in value.items()}
    return [_replaced(part, prefixes) for part in value] if isinstance(value, list) else value
