"""Runs that begin by themselves: which are due, a process for each, and what became of them."""
