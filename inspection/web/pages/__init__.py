"""One page a file: each takes the store and the query and returns a title and its content."""
