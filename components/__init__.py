"""The stages, one file or folder each: keyword-only factories that return TFX nodes."""
