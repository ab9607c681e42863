"""Words in column names that suggest a role."""

import re

LABEL_NAMES = (
    "label",
    "target",
    "class",
    "y",
    "outcome",
    "response",
    "price",
    "species",
    "diagnosis",
    "survived",
    "churn",
    "churned",
    "default",
    "defaulted",
    "converted",
    "fraud",
    "income",
    "quality",
    "rating",
    "score",
    "sales",
    "revenue",
)
"""Names of labels, most likely first."""
LABEL_WORDS = ("label", "target", "class", "outcome", "price", "churn", "fraud")
"""Last words of compound label names, as in SalePrice."""
ID_WORDS = ("id", "ids", "uuid", "guid", "key", "identifier", "index", "rowid", "nr", "no")
CODE_WORDS = (
    *(
        "zip",
        "zipcode",
        "postcode",
        "postal",
        "plz",
        "code",
        "type",
        "id",
        "category",
        "cat",
        "kind",
        "class",
        "region",
    ),
    *("state", "district", "county", "country", "city", "store", "shop", "branch", "department", "dept", "sector"),
    *("cluster", "group", "segment", "channel", "status", "color", "colour", "gender", "sex", "race", "model", "brand"),
    *("make", "vendor", "supplier", "product", "sku", "item", "user", "customer", "client", "origin", "port"),
    *("occupation", "education", "religion", "language", "currency", "flag", "zone", "sensor", "device", "machine"),
)
COUNT_WORDS = (
    *("count", "num", "number", "n", "amount", "total", "qty", "quantity", "age", "years", "days", "hours", "minutes"),
    *("rooms", "bedrooms", "bathrooms", "floors", "price", "cost", "weight", "height", "size", "length", "width"),
    *("score", "rating", "grade", "rank", "level", "visits", "clicks", "children", "people", "persons", "passengers"),
)
TIME_WORDS = (
    *("time", "timestamp", "datetime", "ts", "date", "epoch", "at", "when", "created", "updated", "unix", "day"),
    *("datum", "zeit", "zeitpunkt", "tag", "heure", "jour", "fecha", "hora", "data", "ora", "giorno"),
)
DATE_WORDS = ("date", "datetime", "day", "created", "updated", "datum", "zeitpunkt", "jour", "fecha", "data", "giorno")
"""Those of columns whose numbers of five digits are dates."""
CYCLES = {
    "month": (1, 12, "months"),
    "weekday": (0, 7, "days of the week"),
    "dow": (0, 7, "days of the week"),
    "hour": (0, 24, "hours"),
    "quarter": (1, 4, "quarters"),
}
"""Word -> minimum, maximum and name of a cyclic quantity."""
WEIGHTS = ("sample_weight", "row_weight", "case_weight", "fnlwgt", "weights", "sampling_weight", "survey_weight")


def words(name: str) -> tuple[str, ...]:
    """Split a column name into lower-case words: `customerID`, `customer_id` and `Customer Id` are equal."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(re.findall(r"[^\W_]+", spaced.lower()))


def named(name: str, word: str) -> bool:
    """Return whether a column's name is this single word; for an id also with words before it."""
    name_words = words(name)
    if word == "id":
        return bool(name_words) and (name_words[-1] in ID_WORDS or name_words == ("id",))
    return name_words == (word,)


def has(name: str, hints: tuple[str, ...]) -> bool:
    """Return whether a column's name contains one of these words."""
    return bool(set(words(name)) & set(hints))
