"""Tables of config keys, from the typed sections of the config: keys, types, defaults and docstrings."""

import importlib
from collections.abc import Iterator

from pydantic import BaseModel

from components.evaluator import metric_catalog
from docs.generate.attribute_docs import attribute_docs, first_paragraph
from docs.generate.config_types import default_text, model_of, models_within, type_text
from docs.generate.markdown import code, prose, table
from models import roles
from pipeline.checks.network_checks import SUPERVISED, network_settings
from pipeline.checks.network_checks import networks as network_names
from pipeline.config import Config
from spec.columns import task as tasks

HEAD = ("key", "type", "default", "meaning")
NETWORKS = "models.networks"
"""Package with a module per network."""


def models() -> list[type[BaseModel]]:
    """Return every model that a config consists of, including those of roles and networks."""
    return [
        *dict.fromkeys(models_within(Config)),
        *(roles.role(name).Settings for name in roles.shipped()),
        *map(network_settings, network_names()),
    ]


def section(name: str) -> str:
    """Return the table of one section.

    Args:
        name: A key of the config whose value is a table or a list of tables; "top" for the keys above all sections.
    """
    if name == "top":
        plain = [key for key, field in Config.model_fields.items() if model_of(field.annotation) is None]
        return table(HEAD, [row for row in rows(Config) if row[0].strip("`") in plain])
    model = model_of(Config.model_fields[name].annotation)
    assert model is not None, f"{name} is not a section"
    return table(HEAD, rows(model[0]))


def groups(name: str) -> str:
    """Return a heading, the docstring and a table for each key of a section whose value is a table itself.

    Args:
        name: A key of the config, such as "features" for its roles.
    """
    model = model_of(Config.model_fields[name].annotation)
    assert model is not None, f"{name} is not a section"
    if model[0] is roles.Features:
        return _roles()
    parts = []
    for key, field in model[0].model_fields.items():
        inner = model_of(field.annotation)
        text = attribute_docs(model[0])[key] if inner is None else first_paragraph(inner[0].__doc__)
        parts += [f"### {key}", prose(text), *([table(HEAD, rows(inner[0]))] if inner else [])]
    return "\n\n".join(parts)


def _roles() -> str:
    parts = []
    for name in roles.shipped():
        settings = roles.role(name).Settings
        parts += [f"### {name}", prose(first_paragraph(settings.__doc__)), table(HEAD, rows(settings))]
    parts += [f"### {roles.IGNORED}", prose(attribute_docs(roles.Features)[roles.IGNORED])]
    return "\n\n".join(parts)


def networks(_: str = "") -> str:
    """Return a heading, the docstring, the tasks and a table for each network."""
    parts = []
    for name in network_names():
        module = importlib.import_module(f"{NETWORKS}.{name}")
        kinds = ", ".join(map(code, getattr(module, "TASKS", SUPERVISED)))
        training = (
            f" Keys of [training] that apply: {', '.join(map(code, module.KEYS))}." if hasattr(module, "KEYS") else ""
        )
        parts += [f"### {name}", f"{prose(first_paragraph(module.__doc__))}", f"Tasks: {kinds}.{training}"]
        parts.append(table(HEAD, rows(network_settings(name))))
    return "\n\n".join(parts)


def metrics(_: str = "") -> str:
    """Return the metrics of each task."""
    listed = [(task, metric_catalog.names(task)) for task in metric_catalog.MEASURES]
    return table(("task", "metrics"), [(code(task), ", ".join(map(code, names))) for task, names in listed])


def losses(_: str = "") -> str:
    """Return the losses of each task, the default first, and the metrics of an epoch."""
    head = ("task", "`loss`, the default first", "`monitor`")
    return table(
        head,
        [
            (code(name), ", ".join(map(code, tasks.find(name).losses)), ", ".join(map(code, tasks.find(name).monitors)))
            for name in tasks.shipped()
        ],
    )


def rows(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield a row per key of a model, in order, keys of nested tables after their own.

    Raises:
        ValueError: A key has no docstring.
    """
    docs = attribute_docs(model)
    for key, field in model.model_fields.items():
        name, inner = f"{prefix}{field.alias or key}", model_of(field.annotation)
        if inner is None or key in docs:
            if key not in docs:
                raise ValueError(
                    f"{model.__module__}.{model.__name__}.{key} has no docstring: write one below the field"
                )
            yield code(name), type_text(field), default_text(field), prose(docs[key])
        if inner is not None:
            yield from rows(inner[0], f"{name}{inner[1]}.")
