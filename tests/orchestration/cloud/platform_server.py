"""A server on this machine that answers the real clients of Vertex AI and Kubeflow Pipelines.

Each request is parsed with the API's own messages, and rejected as by the service if a field does not exist or has
another type: of Vertex AI with the protos of google-cloud-aiplatform, of Kubeflow with the models of kfp-server-api.
"""

import contextlib
import http.server
import itertools
import json
import re
import urllib.parse

import kfp_server_api
from google.cloud import aiplatform_v1
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from ... import local_server

TIME = "2026-01-01T00:00:00Z"
_MESSAGES = {"pipelineJobs": aiplatform_v1.PipelineJob, "schedules": aiplatform_v1.Schedule}


class PlatformServer(http.server.ThreadingHTTPServer):
    """Runs and schedules of both services; `script` holds what the next requests for a run answer."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Requests)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests = []
        self.entries = {}
        self.script = []
        self.denied = False
        self.lacking = set()
        self.operations = {}
        self.numbers = itertools.count(1)

    def answer(self, method, path, options, body):
        """Return status and JSON."""
        if self.denied:
            return 403, {"error": {"code": 403, "message": "no permission to do this", "status": "PERMISSION_DENIED"}}
        if path.endswith(":testIamPermissions"):
            return 200, {"permissions": [name for name in body["permissions"] if name not in self.lacking]}
        if re.search(r"/(models|endpoints|operations)\b", path):
            # Google's client asks for operations below /ui/.
            return self.registry(method, path.removeprefix("/v1/").removeprefix("/ui/"), body)
        if path.startswith("/v1/"):
            return self.vertex(method, path.removeprefix("/v1/"), options, body)
        return self.kubeflow(method, path.removeprefix("/apis/v2beta1/"), options, body)

    def vertex(self, method, path, options, body):
        collection = re.fullmatch(r"projects/[^/]+/locations/[^/]+/(pipelineJobs|schedules)", path)
        if collection and method == "POST":
            kind = collection[1]
            message = _MESSAGES[kind].pb(_MESSAGES[kind]())
            json_format.ParseDict(body, message)
            job = message if kind == "pipelineJobs" else message.create_pipeline_job_request.pipeline_job
            _check_spec(json_format.MessageToDict(job.pipeline_spec))
            assert job.runtime_config.gcs_output_directory.startswith("gs://")
            state = "PIPELINE_STATE_PENDING" if kind == "pipelineJobs" else "ACTIVE"
            name = f"{path}/{options.get('pipelineJobId') or next(self.numbers)}"
            self.entries[name] = {**body, "name": name, "state": state}
            return 200, self.entries[name]
        if collection:
            return 200, {collection[1]: [entry for name, entry in self.entries.items() if name.startswith(path)]}
        name, _, action = path.partition(":")
        if name not in self.entries:
            return 404, {"error": {"code": 404, "message": f"{name} is not there", "status": "NOT_FOUND"}}
        if action:
            if action == "resume":
                json_format.ParseDict(
                    {**body, "name": name},
                    aiplatform_v1.ResumeScheduleRequest.pb(aiplatform_v1.ResumeScheduleRequest()),
                )
            self.entries[name]["state"] = {"pause": "PAUSED", "resume": "ACTIVE"}[action]
            return 200, {}
        if method == "DELETE":
            del self.entries[name]
            empty = {"@type": "type.googleapis.com/google.protobuf.Empty"}
            return 200, {"name": f"{name}/operations/1", "done": True, "response": empty}
        return 200, {**self.entries[name], **(self.script.pop(0) if self.script else {})}

    def registry(self, method, path, body):
        """Answer for models and endpoints; what takes long is an operation that is done when it is asked for again."""
        if "/operations/" in path:
            return 200, self.operations[path]
        name, _, action = path.partition(":")
        parent = name.rpartition("/")[0] if name.endswith(("/models", "/endpoints")) else ""
        if action == "upload":
            return self.upload(parent, body)
        if method == "POST" and name.endswith("/endpoints"):
            json_format.ParseDict(body, aiplatform_v1.Endpoint.pb(aiplatform_v1.Endpoint()))
            entry = {**body, "name": f"{name}/{next(self.numbers)}"}
            self.entries[entry["name"]] = entry
            return 200, self.operation(parent, "Endpoint", entry)
        if method == "GET" and name.endswith("/endpoints"):
            return 200, {"endpoints": [entry for key, entry in self.entries.items() if "/endpoints/" in key]}
        if name not in self.entries:
            return 404, {"error": {"code": 404, "message": f"{name} is not there", "status": "NOT_FOUND"}}
        if action:
            self.change_endpoint(self.entries[name], action, body)
            kind = "DeployModelResponse" if action == "deployModel" else "UndeployModelResponse"
            return 200, self.operation(name.rpartition("/endpoints")[0], kind, {})
        return 200, self.entries[name]

    def upload(self, parent, body):
        request = aiplatform_v1.UploadModelRequest.pb(aiplatform_v1.UploadModelRequest())
        json_format.ParseDict({**body, "parent": parent}, request)
        assert bool(request.model_id) != bool(request.parent_model), "a model of either a new or a known id"
        assert re.fullmatch(r"[a-z_][a-z0-9_-]{0,62}|", request.model_id)
        base = request.parent_model or f"{parent}/models/{request.model_id}"
        assert (base in self.entries) == bool(request.parent_model)
        number = str(int(self.entries.get(base, {}).get("versionId", 0)) + 1)
        entry = {**body["model"], "name": base, "versionId": number}
        for alias in ("", f"@{number}", *(f"@{alias}" for alias in request.model.version_aliases)):
            assert re.fullmatch(r"@[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]|@\d+|", alias), alias
            self.entries[base + alias] = entry
        return 200, self.operation(parent, "UploadModelResponse", {"model": base, "modelVersionId": number})

    def change_endpoint(self, entry, action, body):
        deployed = entry.setdefault("deployedModels", [])
        if action == "deployModel":
            request = aiplatform_v1.DeployModelRequest.pb(aiplatform_v1.DeployModelRequest())
            json_format.ParseDict({**body, "endpoint": entry["name"]}, request)
            assert request.deployed_model.model in self.entries
            model, _, version = request.deployed_model.model.partition("@")
            identity = {"id": str(next(self.numbers)), "model": model, "modelVersionId": version}
            deployed.append({**body["deployedModel"], **identity})
            entry["trafficSplit"] = {
                identity["id"] if key == "0" else key: part for key, part in body["trafficSplit"].items()
            }
            assert sum(entry["trafficSplit"].values()) == 100
        else:
            request = aiplatform_v1.UndeployModelRequest.pb(aiplatform_v1.UndeployModelRequest())
            json_format.ParseDict({**body, "endpoint": entry["name"]}, request)
            assert request.deployed_model_id in [deployed_model["id"] for deployed_model in deployed]
            assert not entry["trafficSplit"].get(request.deployed_model_id), "it still has traffic"
            entry["deployedModels"] = [
                deployed_model for deployed_model in deployed if deployed_model["id"] != request.deployed_model_id
            ]

    def operation(self, parent, kind, answer):
        name = f"{parent}/operations/{next(self.numbers)}"
        response = {"@type": f"type.googleapis.com/google.cloud.aiplatform.v1.{kind}", **answer}
        self.operations[name] = {"name": name, "done": True, "response": response}
        return {"name": name}

    def kubeflow(self, method, path, options, body):
        if path == "healthz":
            return 200, {"multi_user": False}
        if path == "experiments":
            if method == "POST":
                return 200, {**body, "experiment_id": "e1"}
            return 200, {"experiments": []}
        if method == "POST" and path in ("runs", "recurringruns"):
            _check_model(body, kfp_server_api.V2beta1Run if path == "runs" else kfp_server_api.V2beta1RecurringRun)
            spec = body["pipeline_spec"]
            _check_spec(spec.get("pipeline_spec", spec))
            key = "run_id" if path == "runs" else "recurring_run_id"
            entry = {**body, key: f"r{next(self.numbers)}", "created_at": TIME}
            entry |= {"state": "PENDING"} if path == "runs" else {"status": "ENABLED"}
            self.entries[f"{path}/{entry[key]}"] = entry
            return 200, entry
        if path == "recurringruns":
            return 200, {"recurringRuns": [entry for name, entry in self.entries.items() if name.startswith(path)]}
        name, _, action = path.partition(":")
        if name not in self.entries:
            return 404, {"error": "not found", "message": f"{name} is not there"}
        if action:
            self.entries[name]["status"] = {"disable": "DISABLED", "enable": "ENABLED"}[action]
            return 200, {}
        if method == "DELETE":
            del self.entries[name]
            return 200, {}
        return 200, {**self.entries[name], **(self.script.pop(0) if self.script else {})}


class _Requests(http.server.BaseHTTPRequestHandler):
    server: PlatformServer

    def log_message(self, *_):
        pass

    def handle_request(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        path = urllib.parse.unquote(path)  # newer clients send the @ of a version as %40
        options = dict(urllib.parse.parse_qsl(query))
        body = json.loads(raw) if raw else {}
        self.server.requests.append((self.command, path, body, dict(self.headers)))
        try:
            status, answer = self.server.answer(self.command, path, options, body)
        except (json_format.ParseError, AssertionError) as error:
            status, answer = (
                400,
                {"error": {"code": 400, "message": f"not valid: {error}", "status": "INVALID_ARGUMENT"}},
            )
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_PATCH = handle_request  # noqa: N815


def _check_spec(spec):
    """Parse a pipeline spec, and its executors, which are a plain struct in it."""
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    assert spec["schemaVersion"] == "2.1.0"


def _check_model(body, model):
    """Check that every key is a field of the model, and of the models in it."""
    fields = {model.attribute_map[name]: kind for name, kind in model.openapi_types.items()}
    for key, value in body.items():
        assert key in fields, f"{model.__name__} has no field {key}"
        inner = getattr(kfp_server_api, fields[key], None)
        if isinstance(value, dict) and inner is not None:
            _check_model(value, inner)


@contextlib.contextmanager
def platform_server():
    """Yield a running server."""
    with local_server.running(PlatformServer()) as server:
        yield server
