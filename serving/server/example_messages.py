"""tf.Examples without TensorFlow: the same message, with the same bytes."""

from collections.abc import Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_LISTS = {
    "bytes_list": ("BytesList", _FIELD.TYPE_BYTES),
    "float_list": ("FloatList", _FIELD.TYPE_FLOAT),
    "int64_list": ("Int64List", _FIELD.TYPE_INT64),
}


def _message_class() -> Any:
    """Create the message class in a separate descriptor pool, because TensorFlow registers one of the same name."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="rows", syntax="proto3")
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (field, (name, kind)) in enumerate(_LISTS.items(), 1):
        options = descriptor_pb2.FieldOptions(packed=kind != _FIELD.TYPE_BYTES)
        file.message_type.add(name=name).field.add(
            name="value", number=1, type=kind, label=_FIELD.LABEL_REPEATED, options=options
        )
        feature.field.add(name=field, number=number, oneof_index=0, **_message_field(name))
    features = file.message_type.add(name="Features")
    features.field.add(name="feature", number=1, **_message_field("Features.FeatureEntry", _FIELD.LABEL_REPEATED))
    entry = features.nested_type.add(name="FeatureEntry", options=descriptor_pb2.MessageOptions(map_entry=True))
    entry.field.add(name="key", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    entry.field.add(name="value", number=2, **_message_field("Feature"))
    file.message_type.add(name="Example").field.add(name="features", number=1, **_message_field("Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    described = pool.FindMessageTypeByName("rows.Example")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(described)
    return message_factory.MessageFactory(pool).GetPrototype(described)  # protobuf 3


def _message_field(name: str, label: int = _FIELD.LABEL_OPTIONAL) -> dict[str, Any]:
    return {"type": _FIELD.TYPE_MESSAGE, "type_name": f".rows.{name}", "label": label}


Example: Any = _message_class()


def values(feature: Any) -> tuple[str, Sequence[Any]]:
    """Return the kind of list that a feature holds, "" for none, and its values."""
    kind = feature.WhichOneof("kind")
    return (kind, list(getattr(feature, kind).value)) if kind else ("", [])
