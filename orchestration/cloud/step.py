"""Entry point of each step of a compiled job: `python -m orchestration.cloud.step`, in a container of the image.

It corrects what the platform passes, and runs TFX's own entry point:

- Kubeflow adds the output `executor-logs` to each step, of a type that TFX cannot import. It is dropped.
- Kubeflow passes input artifacts with an empty type. The type is taken from the specification of the component.
- Kubeflow's launcher downloads inputs and uploads outputs itself. The step reads and writes the launcher's folders.
- A parameter that is too long for a command line is in a file of the image. It is read from there.
- Parameters that each run may set come beside the settings. They are put into these.
- Each step, and the end of the run, is recorded in the folder of the pipeline; see run_recording.py.

An error with a message for the user is printed without a traceback, and the step ends with its exit code.
"""

import argparse
import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import printing
from errors import PipelineError, RunError
from orchestration.cloud import machines, places
from orchestration.cloud.parameters import long_parameters, runtime_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestration.cloud.run_recording import Recording

MODULE = "orchestration.cloud.step"
"""This module, as a compiled job names it."""
INVOCATION, INPUTS_SPEC = "json_serialized_invocation_args", "json_serialized_inputs_spec_args"
"""Arguments of TFX's entry point: JSON of ExecutorInput, and of ComponentInputsSpec."""
HOME = "home"
"""Argument of a step: folder of its pipeline, for the records of its runs."""
_SYSTEM = "system."
"""Prefix of the types of Kubeflow's own artifacts. All of ours have the title of a TFX type or of a class."""


_running: "list[Recording]" = []
"""The recording of this process, for the time limit."""


def corrected(executor_input: Mapping[str, Any], inputs_spec: Mapping[str, Any], local_places: places.Places) -> Any:
    """Return what the platform passes in the form that TFX reads.

    Args:
        executor_input: ExecutorInput in its JSON form.
        inputs_spec: ComponentInputsSpec in its JSON form.
        local_places: Folders that take the place of buckets.

    Raises:
        UserError: a file with a long parameter is missing in the image, or differs; or a parameter of the run is not
            valid.
    """
    inputs, outputs = executor_input.get("inputs", {}), executor_input.get("outputs", {})
    specs = inputs_spec.get("artifacts", {})
    input_artifacts = {
        key: {
            **group,
            "artifacts": [
                local_places.local(_typed(artifact, specs.get(key, {}).get("artifactType")))
                for artifact in group.get("artifacts", [])
            ],
        }
        for key, group in inputs.get("artifacts", {}).items()
    }
    values = {key: long_parameters.restore(value) for key, value in inputs.get("parameterValues", {}).items()}
    parameters = {key: local_places.parameter(value) for key, value in runtime_parameters.applied(values).items()}
    output_artifacts = {
        key: local_places.local(group) for key, group in outputs.get("artifacts", {}).items() if not _is_system(group)
    }
    return {
        **executor_input,
        "inputs": {**inputs, "artifacts": input_artifacts, "parameterValues": parameters},
        "outputs": {
            **outputs,
            "artifacts": output_artifacts,
            "outputFile": local_places.local(outputs.get("outputFile", "")),
        },
    }


def _typed(artifact: Mapping[str, Any], declared: Any) -> Mapping[str, Any]:
    """Return an input artifact with the type that its component declares, if it has none."""
    has_type = any(artifact.get("type", {}).values())
    return artifact if has_type or not declared else {**artifact, "type": declared}


def _is_system(group: Mapping[str, Any]) -> bool:
    """Return whether an output is managed by the platform's launcher."""
    return all(
        artifact.get("type", {}).get("schemaTitle", "").startswith(_SYSTEM) for artifact in group.get("artifacts", [])
    )


def _name_buckets(path: str, local_places: places.Places) -> None:
    """Rewrite the file of outputs with the URIs that the platform knows, in place of paths."""
    if local_places.artifacts and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            output = local_places.remote(json.load(file))
        with open(path, "w", encoding="utf-8") as file:
            json.dump(output, file)


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Parse the arguments of a step; those that remain are Beam's.

    Args:
        argv: Program name and arguments.
    """
    from absl.flags import argparse_flags

    parser = argparse_flags.ArgumentParser(prog=f"python -m {MODULE}", allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument(f"--{HOME}")
    parser.add_argument(f"--{INVOCATION}", required=True)
    parser.add_argument(f"--{INPUTS_SPEC}", default="{}")
    arguments, beam = parser.parse_known_args(list(argv)[1:])
    return arguments, beam


def run(parsed: tuple[argparse.Namespace, list[str]]) -> int:
    """Run a step.

    Args:
        parsed: Arguments of the step, and those of Beam.

    Returns:
        The exit code; see errors.py.
    """
    arguments, beam = parsed
    platform_input = json.loads(getattr(arguments, INVOCATION))
    local_places = places.of(platform_input.get("outputs", {}).get("outputFile", ""), os.environ)
    recording = None
    try:
        executor_input = corrected(platform_input, json.loads(getattr(arguments, INPUTS_SPEC)), local_places)
        setattr(arguments, INVOCATION, json.dumps(executor_input))
        recording = _recording(arguments, platform_input, executor_input, local_places)
        # TensorFlow and TFX take seconds to start.
        from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

        kubeflow_v2_run_executor.main((arguments, beam))
    except PipelineError as error:
        printing.error(str(error))
        if recording is not None:
            recording.fail(str(error), error)
        return error.exit_code
    except Exception as error:
        if recording is not None:
            recording.fail(f"{type(error).__name__}: {error}", error)
        raise
    _name_buckets(executor_input["outputs"]["outputFile"], local_places)
    if recording is not None:
        recording.complete()
    return 0


def _recording(
    arguments: argparse.Namespace,
    platform_input: Mapping[str, Any],
    executor_input: Mapping[str, Any],
    local_places: places.Places,
) -> "Recording | None":
    """Start to record the step; None if the job names no folder for it."""
    if getattr(arguments, HOME, None) is None:
        return None
    from orchestration.cloud.run_recording import Recording

    recording = Recording(
        local_places.parameter(arguments.home),
        platform_input,
        executor_input,
        arguments.executor_class_path,
        local_places,
    )
    recording.start()
    _running.append(recording)
    return recording


def limit_time(seconds: str | None) -> None:
    """Exit with the code of a failed stage after a number of seconds; the container ends with this process."""
    if not seconds:
        return

    def end() -> None:
        reason = f"the stage took longer than {seconds} s: raise timeout in [cloud], or give it a larger machine"
        printing.error(reason)
        for recording in _running:
            recording.fail(reason)
        os._exit(RunError.exit_code)

    timer = threading.Timer(float(seconds), end)
    timer.daemon = True
    timer.start()


def main(argv: Sequence[str]) -> None:
    """Run a step through absl, as TFX's entry point does, and exit with its code."""
    from absl import app

    limit_time(os.environ.get(machines.TIMEOUT))
    app.run(run, argv=["step", *argv], flags_parser=parse)


if __name__ == "__main__":
    main(sys.argv[1:])
