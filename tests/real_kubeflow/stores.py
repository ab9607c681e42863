"""The object stores of a job on Kubeflow: that of the cluster, Amazon S3 and Google Cloud Storage."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from .. import certificates, object_stores
from ..real_clients import google_apis
from .cluster_services import KEYS, SECRET

MINIO = "seaweedfs.kubeflow"
"""Default object store of Kubeflow; the launcher finds it at port 9000."""
REGION = "eu-central-1"
S3 = f"s3.{REGION}.amazonaws.com"
BUCKET = "bucket-one"


class Served(NamedTuple):
    """A running store.

    Attributes:
        variables: Variables of each pod and of the driver.
        objects: Returns name -> content of all objects.
    """

    variables: Mapping[str, str]
    objects: Callable[[], dict[str, bytes]]


class Store(NamedTuple):
    """A store.

    Attributes:
        root: Root of the artifacts.
        config: Section of the config; the rest is up to the cluster.
        hosts: Names of the server.
        serve: Serves an empty bucket; gets a folder for files.
    """

    root: str
    config: str
    hosts: tuple[str, ...]
    serve: Callable[[Path], AbstractContextManager[Served]]


@contextlib.contextmanager
def _minio(_: Path) -> Iterator[Served]:
    # To moto, the first part of another name than localhost is a bucket.
    os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"
    with object_stores.s3_server(9000):
        yield Served({}, _s3_objects("mlpipeline", endpoint_url=f"http://{MINIO}:9000", region_name="us-east-1"))


@contextlib.contextmanager
def _s3(folder: Path) -> Iterator[Served]:
    with object_stores.s3_server(443, certificates.context(folder, STORES["s3"].hosts)):
        trust = certificates.trust(folder)
        yield Served(trust, _s3_objects(BUCKET, region_name=REGION, verify=trust["AWS_CA_BUNDLE"]))


@contextlib.contextmanager
def _gs(folder: Path) -> Iterator[Served]:
    with google_apis.google(folder) as (storage, variables):
        variables["GCE_METADATA_HOST"] = "metadata.google.internal"  # the launcher's client asks for it by this name
        yield Served(variables, lambda: {name: data for (_, name), (data, _) in storage.objects.items()})


def _s3_objects(bucket: str, **options: Any) -> Callable[[], dict[str, bytes]]:
    """Make a bucket, and return the function that reads all its objects."""
    import boto3

    access = {"aws_access_key_id": KEYS["accesskey"], "aws_secret_access_key": KEYS["secretkey"]}
    client = boto3.client("s3", **access, **options)
    place = {"LocationConstraint": REGION}
    client.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": place} if bucket == BUCKET else {}))

    def read() -> dict[str, bytes]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        names = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {name: client.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names}

    return read


_SECRET = f'[cloud]\nbucket_secret = "{SECRET}"\n'
STORES = {
    "minio": Store(
        "minio://mlpipeline/root",
        f'{_SECRET}environment = {{AWS_ENDPOINT_URL = "http://{MINIO}:9000"}}\n',
        (MINIO,),
        _minio,
    ),
    "s3": Store(
        f"s3://{BUCKET}/root", f'{_SECRET}environment = {{AWS_REGION = "{REGION}"}}\n', (S3, f"{BUCKET}.{S3}"), _s3
    ),
    "gs": Store(f"gs://{BUCKET}/root", "", google_apis.HOSTS, _gs),
}
"""Scheme -> store."""
