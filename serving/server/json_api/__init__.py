"""Bodies of the REST API: requests, responses, examples and values in JSON."""
