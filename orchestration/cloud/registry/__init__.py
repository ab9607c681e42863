"""Pushed models in the Model Registry and on endpoints of Vertex AI."""
