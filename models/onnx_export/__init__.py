"""Conversion of a SavedModel's signature to ONNX, one TensorFlow operation at a time."""
