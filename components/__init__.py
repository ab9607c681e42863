"""The stages, one a file or folder: each a keyword-only factory that returns a TFX node."""
