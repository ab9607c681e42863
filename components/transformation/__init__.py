"""Transformation: raw columns to model features."""
