"""Two months of a table, of which the second moves all that a warm start has to match; and networks on them."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from PIL import Image

from models.data.split_rows import Facts, label_of
from models.roles import Features
from models.tasks import targets
from models.training import fit
from models.transform_graph.loaded_graph import TransformGraph
from models.warm_start import architecture, carry_over, feature_meanings
from spec.columns.label import Label

ROWS = 48
PRICE = {"column": "price"}
KIND = {"column": "kind", "task": "classes"}
SOLD = {"column": "kind", "task": "binary", "positive": "x"}
STATE = {"column": "kind", "task": "anomaly", "positive": "x"}
SMALL = {"name": "mlp", "layers": [5], "activation": "tanh"}
FEW = {"numeric": [{"column": "area"}, {"column": "low"}], "categorical": [{"column": "city"}, {"column": "grade"}]}


def picture(number):
    encoded = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (6, 5), np.uint8)).save(encoded, "PNG")
    return encoded.getvalue()


def table(month):
    """Rows of a month: other scales, another order of frequency, other figures; in month 2 also new and gone tokens."""
    random = np.random.default_rng(month)
    cities = [["oslo", "kyiv", "lima", "cork"], ["cork", "lima", "kyiv", "oslo"]][month - 1]
    city = random.choice(cities, ROWS, p=[0.5, 0.25, 0.15, 0.1])
    city[:4] = cities
    if month == 2:
        city[-6:] = ["rome", "rome", "rome", "bern", "bern", "bern"]
    colours = ["red", "green", None, "blue"] if month == 1 else ["blue", None, "red", "grey"]
    words = ["new roof", "old house garden", "garden", "sea view"] if month == 1 else ["sea", "garden sea", "roof old"]
    area = random.uniform(20, 150, ROWS) * month
    return {
        "area": area.tolist(),
        "lot": (2.0 ** random.uniform(0, 10, ROWS)).tolist(),
        "rooms": [None if row % 7 == 3 else int(row % (5 + month)) for row in range(ROWS)],
        "low": (random.normal(size=ROWS) * month).tolist(),
        "same": [1.5 if month == 1 else 0.5 + row for row in range(ROWS)],
        "raw": random.normal(3, 1, ROWS).tolist(),
        "share": random.uniform(size=ROWS).tolist(),
        "city": city.tolist(),
        "colour": [colours[row % (2 + row % 3)] for row in range(ROWS)],
        "size": random.choice(["S", "M", "L"], ROWS).tolist(),
        "grade": random.choice(["a", "b", "c"], ROWS, p=[[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]][month - 1]).tolist(),
        "note": [words[row % len(words)] for row in range(ROWS)],
        "word": [words[(row // 2) % len(words)] for row in range(ROWS)],
        "day": [f"20{14 + month}-{1 + row % 12:02d}-1{row % 9}" for row in range(ROWS)],
        "image": [picture(row * month) for row in range(ROWS)],
        "kind": random.choice([["x", "y", "z"], ["z", "y", "x"]][month - 1], ROWS, p=[0.6, 0.3, 0.1]).tolist(),
        "price": (area * 3 + (city == "oslo") * 100 + random.normal(size=ROWS)).tolist(),
    }


class Month:
    """A month's rows and their transformation.

    Args:
        graph: Folder of the transform graph.
        raw: File of the rows.
        sections: `features`, `label` and maybe `preprocessing`.
    """

    def __init__(self, graph, raw, sections):
        self.transform = tft.TFTransformOutput(graph)
        self.records = list(tf.data.TFRecordDataset(str(raw), "GZIP").as_numpy_iterator())
        self.roles, self.label = Features.model_validate(sections["features"]), Label.model_validate(sections["label"])
        self._graph = TransformGraph(self.transform)
        self.facts = Facts.read(self.transform, self.roles, self.label, self._graph.constant)
        self.meanings = feature_meanings.describe(
            self.transform, self._graph, self.roles, self.facts.outputs, self.records
        )
        self.sections = sections
        self.columns = self.features(self)

    def features(self, month):
        """Transformed columns of any month's rows."""
        parsed = tf.io.parse_example(month.records, self.transform.raw_feature_spec())
        return {name: value.numpy() for name, value in self._graph(parsed).items()}

    def network(self, settings, seed=7):
        """A network with weights drawn by chance, as if it were trained."""
        target = targets.target(self.label, label_of(self.columns), self.facts.classes)
        network, module, _ = fit.build(self.facts.outputs, settings, target)
        random = np.random.default_rng(seed)
        drawn = [
            random.normal(0, 0.3, weight.shape)
            if weight.shape.rank > 1
            else random.uniform(0.5, 1.0, weight.shape)
            if weight.name not in ("edges", "median", "middle", "factor")
            else weight.numpy()
            for weight in network.weights
        ]
        network.set_weights(drawn)
        return SimpleNamespace(network=network, module=module, target=target, month=self)

    def begun(self, settings, previous, **changed_meaning):
        """A network that begins from another month's; `changed_meaning` replaces parts of what that one keeps."""
        network = self.network(settings, seed=8)
        arrays = {variable.path: variable.numpy() for variable in previous.network.variables}
        start = carry_over.Warm(arrays, {**meaning_of(previous), **changed_meaning}, self.meanings)
        network.fresh = network.network.get_weights()
        network.note = fit.warm_start(network.network, network.module, network.target, self.label, start)
        return network


def meaning_of(trained):
    """What a model keeps beside its weights, as it is read back."""
    meaning = {
        "features": trained.month.meanings,
        "label": feature_meanings.of_label(trained.month.label, trained.target),
        "layers": architecture.describe(trained.network),
    }
    return json.loads(json.dumps(meaning))


def outputs(trained, rows):
    """A network's outputs for any month's rows."""
    features = trained.month.features(rows)
    columns = {name: features[name].reshape(-1, *tensor.shape[1:]) for name, tensor in trained.network.input.items()}
    return trained.network(columns).numpy()


def answers(trained, rows):
    """Its answers to them, in the label's own unit."""
    return {name: value.numpy() for name, value in trained.target.answer(outputs(trained, rows)).items()}


def rows_of(trained, layer="head"):
    """The kernel of a layer."""
    return trained.network.get_layer(layer).get_weights()[0]


def assert_same(expected, actual, tolerance=2e-4):
    assert set(expected) == set(actual)
    for name, value in expected.items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(value, actual[name], rtol=tolerance, atol=tolerance * np.abs(value).max())
        else:
            np.testing.assert_array_equal(value, actual[name])


@pytest.fixture(scope="session")
def month(tmp_path_factory, analyze, pack):
    """Makes a month of a config; `columns` go over its table, None takes one away."""
    months = {}

    def make(number, features=None, label=PRICE, **columns):
        sections = {"features": FEW if features is None else features, "label": label}
        key = json.dumps([number, sections, columns])
        if key not in months:
            folder = tmp_path_factory.mktemp(f"month{number}")
            rows = {name: cells for name, cells in {**table(number), **columns}.items() if cells is not None}
            used = {*Features.model_validate(sections["features"]).columns(), label.get("column")}
            rows = {name: cells for name, cells in rows.items() if name in used}
            months[key] = Month(analyze(folder, rows, pack(**sections, edges=True)), folder / "raw.gz", sections)
        return months[key]

    return make
