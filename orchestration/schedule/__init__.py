"""Scheduled runs: the times that are due, a process for each run, their results and notifications."""
