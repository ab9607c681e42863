"""Conversion of a SavedModel's signature to ONNX, operation by operation."""
