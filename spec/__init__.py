"""Typed settings of a config: one frozen model per section. Plain Python; imports none of the other packages."""
