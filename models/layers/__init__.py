"""Keras layers and the inputs of a network."""
