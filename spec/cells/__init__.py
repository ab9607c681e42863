"""Cleaning of raw cells: null values, formats of numbers and dates."""
