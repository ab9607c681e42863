"""Stage `transformation`: computes the transform graph and the model features of all splits."""
