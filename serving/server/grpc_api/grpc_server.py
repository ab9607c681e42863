"""gRPC services of TensorFlow Serving: PredictionService and ModelService, beside the health service."""

import contextlib
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import grpc
from google.protobuf import json_format
from grpc_health.v1 import health_pb2_grpc

from errors import ResourceError
from serving.server import example_methods, model_messages
from serving.server.deadline import Deadlines
from serving.server.example_messages import Example
from serving.server.grpc_api import metadata_ids, serving_protos, tensor_protos
from serving.server.grpc_api.health_service import Health
from serving.server.json_api import json_examples
from serving.server.loaded_version import LoadedVersion
from serving.server.metrics import Metrics
from serving.server.served_models import ServedModel, ServedModels
from serving.server.server_settings import ServerSettings
from serving.server.statuses import RequestError
from spec.artifacts.signature_names import DEFAULT

_GRACE_SECONDS = 30.0
_METHODS = {"tensorflow/serving/classify": "classify", "tensorflow/serving/regress": "regress"}

Log = Callable[[str], object]
_Ids = Sequence[str] | None


class _Answers:
    """Runs methods within the time limit, turns errors into status codes, and counts requests."""

    def __init__(self, models: ServedModels, settings: ServerSettings, metrics: Metrics, log: Log) -> None:
        self.models = models
        self._settings = settings
        self._metrics = metrics
        self._deadlines = Deadlines(settings.limits.seconds)
        self._log = log

    async def answer(self, method: str, name: str, context: Any, response: Awaitable[Any]) -> Any:
        """Wait for a response; abort the call with a status code if it fails or takes too long."""
        started = time.monotonic()
        code, message = "OK", ""
        try:
            with self._deadlines.start():
                return await response
        except TimeoutError:
            code, message = "DEADLINE_EXCEEDED", f"no response within {self._settings.limits.seconds:g} seconds"
        except RequestError as error:
            code, message = error.code, error.message
        except Exception as error:
            code, message = "INTERNAL", "the server failed; see its log"
            self._log(f"gRPC {method}: {type(error).__name__}: {error}")
        finally:
            model = name if name in self.models.by_name else ""
            self._metrics.request(model, method, "gRPC", code, time.monotonic() - started)
        await context.abort(grpc.StatusCode[code], message)

    @contextlib.contextmanager
    def use(self, spec: Any) -> Any:
        """Hold the version that a ModelSpec names."""
        model = self.models.model(spec.name)
        number = spec.version.value if spec.HasField("version") else None
        with model.use(number, spec.version_label or None) as loaded:
            yield model, loaded


def _set_spec(target: Any, model: ServedModel, loaded: LoadedVersion, signature: str) -> None:
    target.name = model.source.name
    target.version.value = loaded.number
    target.signature_name = signature or DEFAULT


def _rows(request: Any) -> list[bytes]:
    """Return the serialized tf.Examples of an Input proto."""
    kind = request.WhichOneof("kind")
    if kind is None:
        raise RequestError("Input is empty")
    examples = getattr(request, kind)
    context = None
    if kind == "example_list_with_context":
        context = Example.FromString(examples.context.SerializeToString())
    rows = json_examples.serialized([Example.FromString(row.SerializeToString()) for row in examples.examples], context)
    if not rows:
        raise RequestError("Input is empty")
    return rows


class PredictionService(serving_protos.prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]
    """Predictions, and the signatures of a model."""

    def __init__(self, answers: _Answers) -> None:
        self._answers = answers

    async def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802  the service's names, in all that follow
        """Run a signature on tensors."""
        return await self._answers.answer("predict", request.model_spec.name, context, self._predict(request, context))

    async def _predict(self, request: Any, context: Any) -> Any:
        with self._answers.use(request.model_spec) as (model, loaded):
            signature = example_methods.signature(loaded, request.model_spec.signature_name)
            inputs = tensor_protos.arrays(request.inputs, signature.inputs)
            outputs = await model.run(loaded, signature, inputs, ids=metadata_ids.ids(context.invocation_metadata()))
            unknown = sorted(set(request.output_filter) - set(outputs))
            if unknown:
                raise RequestError(f"output tensor alias not found in signature: {unknown[0]}")
            response = serving_protos.predict_pb2.PredictResponse()
            _set_spec(response.model_spec, model, loaded, request.model_spec.signature_name)
            names = request.output_filter or outputs
            tensor_protos.fill(response.outputs, {name: outputs[name] for name in names})
            return response

    async def Classify(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Classify tf.Examples."""
        return await self._of_rows(
            "classify", request, context, serving_protos.classification_pb2.ClassificationResponse(), self._fill_classes
        )

    async def _fill_classes(
        self, result: Any, model: ServedModel, loaded: LoadedVersion, spec: Any, rows: list[bytes], ids: _Ids
    ) -> None:
        for classes in await example_methods.classify(model, loaded, spec.signature_name, rows, ids):
            classification = result.classifications.add()
            for label, score in classes:
                classification.classes.add(label=label, score=score)

    async def Regress(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Predict a number for tf.Examples."""
        return await self._of_rows(
            "regress", request, context, serving_protos.regression_pb2.RegressionResponse(), self._fill_numbers
        )

    async def _of_rows(self, method: str, request: Any, context: Any, response: Any, fill: Any) -> Any:
        """Fill the response to a request on tf.Examples."""

        async def filled() -> Any:
            with self._answers.use(request.model_spec) as (model, loaded):
                _set_spec(response.model_spec, model, loaded, request.model_spec.signature_name)
                ids = metadata_ids.ids(context.invocation_metadata())
                await fill(response.result, model, loaded, request.model_spec, _rows(request.input), ids)
                return response

        return await self._answers.answer(method, request.model_spec.name, context, filled())

    async def _fill_numbers(
        self, result: Any, model: ServedModel, loaded: LoadedVersion, spec: Any, rows: list[bytes], ids: _Ids
    ) -> None:
        for value in await example_methods.regress(model, loaded, spec.signature_name, rows, ids):
            result.regressions.add(value=value)

    async def MultiInference(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Classify and regress the same tf.Examples, by signatures of one model."""
        name = request.tasks[0].model_spec.name if request.tasks else ""
        return await self._answers.answer("multi_inference", name, context, self._infer(request, context))

    async def _infer(self, request: Any, context: Any) -> Any:
        if not request.tasks:
            raise RequestError("Inference tasks is empty")
        names = {task.model_spec.name for task in request.tasks}
        if len(names) > 1:
            raise RequestError(
                f"All ModelSpecs in a MultiInferenceRequest must access the same model name: {sorted(names)}"
            )
        signatures = [task.model_spec.signature_name for task in request.tasks]
        if len(set(signatures)) < len(signatures):
            raise RequestError("Duplicate evaluation of signature")
        rows, ids = _rows(request.input), metadata_ids.ids(context.invocation_metadata())
        response = serving_protos.inference_pb2.MultiInferenceResponse()
        with self._answers.use(request.tasks[0].model_spec) as (model, loaded):
            for task in request.tasks:
                result = response.results.add()
                _set_spec(result.model_spec, model, loaded, task.model_spec.signature_name)
                method = _METHODS.get(task.method_name)
                if method == "classify":
                    await self._fill_classes(result.classification_result, model, loaded, task.model_spec, rows, ids)
                elif method == "regress":
                    await self._fill_numbers(result.regression_result, model, loaded, task.model_spec, rows, ids)
                else:
                    raise RequestError(f"Unsupported signature method_name: {task.method_name}", "UNIMPLEMENTED")
        return response

    async def GetModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return the signatures of a model."""
        return await self._answers.answer("metadata", request.model_spec.name, context, self._metadata(request))

    async def _metadata(self, request: Any) -> Any:
        if not request.metadata_field:
            raise RequestError("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != model_messages.SIGNATURES:
                raise RequestError(f"Metadata field {field} is not supported")
        with self._answers.use(request.model_spec) as (model, loaded):
            response = serving_protos.get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name = model.source.name
            response.model_spec.version.value = loaded.number
            signatures = serving_protos.get_model_metadata_pb2.SignatureDefMap()
            response.metadata[model_messages.SIGNATURES].Pack(
                json_format.ParseDict(model_messages.signatures(loaded), signatures)
            )
            return response


class ModelService(serving_protos.model_service_pb2_grpc.ModelServiceServicer):  # type: ignore[misc]
    """States of versions."""

    def __init__(self, answers: _Answers) -> None:
        self._answers = answers

    async def GetModelStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return the states of a model's versions."""
        return await self._answers.answer("status", request.model_spec.name, context, self._status(request.model_spec))

    async def _status(self, spec: Any) -> Any:
        if spec.name not in self._answers.models.by_name:
            raise RequestError(f"Could not find any versions of model {spec.name}", "NOT_FOUND")
        number = spec.version.value if spec.HasField("version") else None
        status = model_messages.status(self._answers.models.model(spec.name), number, spec.version_label or None)
        return json_format.ParseDict(status, serving_protos.get_model_status_pb2.GetModelStatusResponse())

    async def HandleReloadConfigRequest(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Refuse the request: the models are those of the command line."""
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "the models are those that the command names: restart it")


class _TokenCheck(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Refuses calls without the server's token, except those of the health service."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        """Pass the call on if it has the token or asks for health; otherwise refuse it."""
        header = dict(details.invocation_metadata).get("authorization", "")
        if details.method.startswith("/grpc.health.") or hmac.compare_digest(header.encode(), self._header.encode()):
            return await continuation(details)

        async def refuse(_: Any, context: Any) -> None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "send the metadata authorization: Bearer TOKEN")

        return grpc.unary_unary_rpc_method_handler(refuse)


@contextlib.asynccontextmanager
async def started(models: ServedModels, settings: ServerSettings, metrics: Metrics, log: Log) -> AsyncIterator[None]:
    """Serve gRPC.

    Raises:
        ResourceError: the port is not available.
    """
    answers = _Answers(models, settings, metrics, log)
    server = grpc.aio.server(
        interceptors=[_TokenCheck(settings.token)] if settings.token is not None else [],
        options=[
            ("grpc.max_receive_message_length", settings.limits.body_bytes),
            ("grpc.max_metadata_size", settings.limits.header_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ],
    )
    serving_protos.prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(answers), server
    )
    serving_protos.model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(answers), server)
    health_pb2_grpc.add_HealthServicer_to_server(Health(models), server)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.grpc_port}"
    try:
        port = (
            server.add_secure_port(address, _credentials(settings))
            if settings.certificate
            else server.add_insecure_port(address)
        )
    except RuntimeError as error:
        raise ResourceError(f"cannot listen on {address}: {error}. Choose another --grpc-port") from error
    await server.start()
    log(f"gRPC on {host}:{port}")
    try:
        yield
    finally:
        await server.stop(min(_GRACE_SECONDS, settings.drain_seconds))


def _credentials(settings: ServerSettings) -> Any:
    contents = []
    for path in (settings.key, settings.certificate):
        with open(str(path), "rb") as file:
            contents.append(file.read())
    return grpc.ssl_server_credentials([tuple(contents)])
