"""Engines that run a model: TensorFlow, or ONNX Runtime without TensorFlow."""
