"""Beam engines: what their arguments mean, how they are started and stopped, and what their failures say."""
