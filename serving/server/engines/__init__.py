"""What runs a model: TensorFlow, or ONNX Runtime without TensorFlow."""
