"""The documents, and in `docs.generate` what writes the generated parts of docs/reference."""
