"""Translations of TensorFlow operations to ONNX: each module has `OPERATIONS`, operation type -> function.

A function gets the Conversion and the operation, adds nodes to the ONNX graph, and returns the names of its outputs.
"""
