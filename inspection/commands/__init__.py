"""The commands of `inspect`: each returns plain values for JSON, and a function that formats them as text."""
