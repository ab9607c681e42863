"""TensorFlow code of the transform graph: functions shared by the roles of models/features, and TFX's entry point."""
