"""A small project with one pipeline, for tests of preflight, gates and faults."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

COMPLETE = "presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }"
OPTIONAL = "presence { min_fraction: 0.0 min_count: 1 } value_count { min: 1 max: 1 }"


def rows(
    count: int,
    city: Callable[[int], Any] = lambda row: ("Bern", "Chur")[row % 2],
    area: Callable[[int], Any] = lambda row: 40 + row,
    rent: Callable[[int], Any] = lambda row: 900 + row % 50,
) -> str:
    """Return rows of flats.csv, with cells computed from the row number."""
    return "".join(f"{area(row)},{city(row)},{rent(row)}\n" for row in range(count))


def one(findings: Sequence[Any]) -> Any:
    """Return the only finding."""
    [finding] = findings
    return finding


class Flats:
    """A small project: configs/flats.toml, its schema, and data/flats.csv.

    Args:
        root: Folder of the project.
    """

    CONFIG = """
        network = "linear"
        [data]
        path = "data/flats.csv"
        [features]
        numeric = [{column = "area"}]
        categorical = [{column = "city"}]
        [label]
        column = "rent"
    """
    SCHEMA = """
        feature { name: "area" type: FLOAT presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } } }
        feature { name: "city" type: BYTES presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } } }
        feature { name: "rent" type: INT presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }
                  int_domain { min: 1 max: 9000 } }
    """
    HEADER = "area,city,rent\n"

    def __init__(self, root: Path) -> None:
        self.root, self.runs = root, root / "runs"
        self.config(self.CONFIG)
        self.schema(self.SCHEMA)
        self.data(self.HEADER + self.rows(40))

    def rows(self, count: int) -> str:
        """Return rows of the table."""
        return "".join(f"{40 + row}.5,{('Bern', 'Chur')[row % 2]},{900 + row}\n" for row in range(count))

    def config(self, text: str) -> None:
        """Write the config."""
        self._write("configs/flats.toml", text)

    def schema(self, text: str) -> None:
        """Write the schema."""
        self._write("schemas/flats.pbtxt", text)

    def optional(self, column: str) -> None:
        """Allow nulls in a column."""
        kind = {"area": "FLOAT", "city": "BYTES"}[column]
        self.schema(self.SCHEMA.replace(f'"{column}" type: {kind} {COMPLETE}', f'"{column}" type: {kind} {OPTIONAL}'))

    def data(self, content: str | bytes, name: str = "flats.csv") -> Path:
        """Write a data file."""
        return self._write(f"data/{name}", content)

    def _write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def errors(self, *overrides: str, metadata: str | None = None) -> list[str]:
        """Return the errors of preflight, one line each."""
        from orchestration import preflight
        from pipeline.variants import Name

        report = preflight.look(
            Name("flats"), overrides, root=str(self.runs), data_root=str(self.root), metadata=metadata
        )
        return [line for check in report.checks for line in check.lines()]


class Judged:
    """Runner of a project's stages up to the gates, in this process and without Beam, which takes a second per run.

    Args:
        flats: The project.
    """

    def __init__(self, flats: Flats) -> None:
        self.flats = flats
        self.statistics: list[Any] = []
        """The statistics artifact of each run so far."""

    def __call__(
        self, *overrides: str, history: Sequence[Any] = (), span: int = 0, advisory: bool = False, **contents: str
    ) -> Any:
        """Run ingestion, statistics and validation; return the anomalies artifact, or raise the error of a stage.

        `data_content`, `schema_content` and `skew_content` are digests of the files to read.
        """
        import json

        from tfx.types import artifact_utils, standard_artifacts

        import project
        from components.ingestion import executor as ingestion
        from components.ingestion import planning
        from components.ingestion.discovery import data_files
        from components.ingestion.ingestion_settings import IngestionSettings
        from components.statistics import executor as measuring
        from pipeline import load
        from pipeline.create_pipeline import Places, create_pipeline
        from pipeline.variants import Name
        from spec import settings

        root, number, earlier = self.flats.root, len(self.statistics) + 1, list(history)
        reviewed = load.reviewed(str(root), Name("flats"), overrides)
        skew = reviewed.config.gates.skew.path
        places = Places(
            data=data_files.under(str(root), reviewed.config.data.path),
            schema=str(root / reviewed.schema),
            artifacts=str(root / "artifacts"),
            serving=str(root / "serving"),
            trials=str(root / "trials"),
            skew=None if skew is None else data_files.under(str(root), skew),
            **contents,
        )
        wired = create_pipeline(
            name="flats", config=reviewed.config, columns=reviewed.columns, places=places, advisory=advisory
        )
        nodes = {node.id: node for node in wired.components}
        artifacts: dict[str, Any] = {}
        kinds = {
            "examples": standard_artifacts.Examples,
            "statistics": standard_artifacts.ExampleStatistics,
            "schema": standard_artifacts.Schema,
            "anomalies": standard_artifacts.ExampleAnomalies,
        }
        for key, kind in kinds.items():
            artifacts[key] = kind()
            artifacts[key].uri, artifacts[key].mlmd_artifact.id = str(root / "artifacts" / f"{key}-{number}"), number

        def execute(name: str, inputs: Sequence[str], output: str, **more: Any) -> None:
            channels = {key: [artifacts[key]] for key in inputs}
            executor = nodes[name].executor_spec.executor_class()
            executor.Do({**channels, **more}, {output: [artifacts[output]]}, nodes[name].exec_properties)

        values = settings.unpack(json.loads(nodes["ingestion"].exec_properties["settings"]))
        config = IngestionSettings.under(project.folder(), values)
        plan, splits = planning.plan(config), ["train", "eval", "test"]
        writer = ingestion.WriteShard(config, plan, artifacts["examples"].uri, str(root / "drafts"))
        for shard, file in enumerate(plan.files):
            element = {"path": file.path, "split": file.split, "shard": shard, "shards": len(plan.files)}
            writer.process(element)
        artifacts["statistics"].split_names, artifacts["statistics"].span = (
            artifact_utils.encode_split_names(splits),
            span,
        )
        for split in splits:
            folder = Path(artifacts["examples"].uri, f"Split-{split}")
            parts = [measuring.Measure().process((split, str(path), None)) for path in sorted(folder.iterdir())]
            target = Path(artifacts["statistics"].uri, f"Split-{split}", "FeatureStats.pb")
            target.parent.mkdir(parents=True)
            merged = measuring.merge(parts) if len(parts) > 1 else parts[0]
            target.write_bytes(measuring.proto(merged).SerializeToString())
        execute("schema", [], "schema")
        self.statistics.append(artifacts["statistics"])
        execute("validation", ["statistics", "schema", "examples"], "anomalies", history=earlier)
        return artifacts["anomalies"]

    def found(self, *overrides: str, **more: Any) -> list[dict[str, Any]]:
        """Return the findings of the gates, whether they block the run or not."""
        import json

        from errors import GateError

        try:
            artifact = self(*overrides, **more)
        except GateError as error:
            return list(error.findings)
        return list(json.loads(Path(artifact.uri, "gates.json").read_text()))
