"""Images in the transform graph: decoding and orientation."""
