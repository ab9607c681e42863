"""Beam engines: their arguments, how their job servers are started and stopped, and errors for their failures."""
