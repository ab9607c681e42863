"""Translations of TensorFlow operations to ONNX; each module has a table `OPERATIONS`: type -> function."""
