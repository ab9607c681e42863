"""Distances between the distributions of a column in two data sets."""
