"""The gRPC services, and TensorFlow Serving's messages without TensorFlow."""
