"""TensorFlow code of the transform graph: what the roles of models/features share, and the entry that TFX calls."""
