"""The documents; `docs.generate` writes the generated parts of docs/reference."""
