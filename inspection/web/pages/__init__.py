"""The pages, one per file: each takes the store and the query, and returns a Page."""
