"""The commands of `inspect`: each answers with plain values for JSON and, when asked, with text."""
