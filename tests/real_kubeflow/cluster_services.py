"""What Kubeflow's driver and launcher talk to: ML Metadata and the cache of Kubeflow over gRPC, and Kubernetes' API."""

import base64
import contextlib
import functools
import http.server
import json
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from ml_metadata.metadata_store.pywrap.metadata_store_extension import metadata_store as store_extension
from ml_metadata.proto import metadata_store_pb2

NAMESPACE = "kubeflow"
SECRET = "mlpipeline-minio-artifact"
KEYS = {"accesskey": "someone", "secretkey": "canary-of-minio"}
"""Content of the secret with the credentials of the object store."""
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the address, its token and its namespace."""
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class _Metadata(grpc.GenericRpcHandler):  # type: ignore[misc]
    """ML Metadata's service: each method is passed to the store of its own package, in memory."""

    def __init__(self) -> None:
        config = metadata_store_pb2.ConnectionConfig()
        config.fake_database.SetInParent()
        migration = metadata_store_pb2.MigrationOptions()
        self._store = store_extension.CreateMetadataStore(config.SerializeToString(), migration.SerializeToString())
        self._lock = threading.Lock()

    def service(self, handler_call_details: Any) -> Any:
        service, _, name = handler_call_details.method.rpartition("/")
        method = getattr(store_extension, name, None)
        if service != "/ml_metadata.MetadataStoreService" or method is None:
            return None
        return grpc.unary_unary_rpc_method_handler(functools.partial(self._answer, method))

    def _answer(self, method: Any, request: bytes, context: grpc.ServicerContext) -> Any:
        with self._lock:
            answer, message, code = method(self._store, request)
        if code:
            context.abort(_CODES[code], message.decode())
        return answer


class _Cache(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Kubeflow's service of finished tasks, which are looked up by their fingerprints.

    A request that adds a task is returned as the list of tasks: both messages hold it in field 1.
    """

    def __init__(self) -> None:
        self._added: list[bytes] = []

    def service(self, handler_call_details: Any) -> Any:
        methods = {"/api.TaskService/CreateTaskV1": self._add, "/api.TaskService/ListTasksV1": self._find}
        method = methods.get(handler_call_details.method)
        return None if method is None else grpc.unary_unary_rpc_method_handler(method)

    def _add(self, request: bytes, _: Any) -> bytes:
        self._added.append(request)
        return b""

    def _find(self, request: bytes, _: Any) -> bytes:
        [fingerprint] = re.findall(rb"[0-9a-f]{64}", request)
        return next((added for added in reversed(self._added) if fingerprint in added), b"")


@contextlib.contextmanager
def grpc_services() -> Iterator[int]:
    """Yield the port of an empty metadata service, which is also an empty cache."""
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([_Metadata(), _Cache()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


class _Api(http.server.BaseHTTPRequestHandler):
    """Kubernetes' API of a namespace with one secret."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in KEYS.items()}
        secret = {"kind": "Secret", "apiVersion": "v1", "data": data}
        known = {f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}": secret}
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        body = json.dumps(known.get(self.path, status)).encode()
        self.send_response(200 if self.path in known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def kubernetes_api() -> Iterator[dict[str, str]]:
    """Write the files of the service account, and yield the variables of a pod."""
    SERVICE_ACCOUNT.mkdir(parents=True)
    certificate, key = SERVICE_ACCOUNT / "ca.crt", SERVICE_ACCOUNT / "key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=kubernetes"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    (SERVICE_ACCOUNT / "token").write_text("token")
    (SERVICE_ACCOUNT / "namespace").write_text(NAMESPACE)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Api)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.server_address[1])}
    finally:
        server.shutdown()
        server.server_close()
