"""JSON of the REST API: requests, responses, tf.Examples and values."""
