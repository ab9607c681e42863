"""The schema node: imports the approved schema as an artifact."""

import json
import os
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx.types.channel import Channel

import project
from components import summary
from components.fingerprints import code_digest
from errors import ResourceError


class SchemaSpec(component_spec.ComponentSpec):  # type: ignore[misc]
    """Parameters and artifacts of the node."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "path": component_spec.ExecutionParameter(type=str),
        "content": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar[dict[str, Any]] = {"schema": component_spec.ChannelParameter(type=standard_artifacts.Schema)}


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Copies the schema. The cache key of stock ImportSchemaGen is the path, so it would not notice an edit."""

    @code_digest.checked
    def Do(  # noqa: N802  TFX's name
        self, input_dict: dict[str, Any], output_dict: dict[str, Any], exec_properties: dict[str, Any]
    ) -> None:
        """Copy the schema into the artifact.

        Raises:
            ResourceError: the file's digest differs from the parameter `content`.
        """
        schema, path = artifact_utils.get_single_instance(output_dict["schema"]), exec_properties["path"]
        with fileio.open(project.absolute(path), "rb") as file:
            text = file.read()
        if exec_properties["content"] not in ("", code_digest.text(text)):
            raise ResourceError(
                f"{path} changed after the start of the run: run again. On a cloud, the image holds another version "
                "than the job was compiled with: build the image again, or compile again"
            )
        fileio.makedirs(schema.uri)
        with fileio.open(os.path.join(schema.uri, "schema.pbtxt"), "wb") as file:
            file.write(text)
        summary.put(schema, os.path.basename(path))


class Schema(base_component.BaseComponent):  # type: ignore[misc]
    """Imports the approved schema."""

    SPEC_CLASS = SchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def schema(*, path: str, content: str) -> Schema:
    """Make the node `schema`.

    Args:
        path: The approved schema, a .pbtxt file; relative to the project folder, or absolute.
        content: Digest of the file; empty to skip the check.

    Returns:
        A node with output `schema`.
    """
    spec = SchemaSpec(
        path=path,
        content=content,
        code=json.dumps(code_digest.stage(Executor.__module__)),
        schema=Channel(type=standard_artifacts.Schema),
    )
    node: Schema = Schema(spec=spec).with_id("schema")
    return node
