"""A server with TensorFlow Serving's REST and gRPC APIs for the pushed versions of pipelines."""
