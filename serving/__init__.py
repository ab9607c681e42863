"""The serving folder: its versions, and which of them this pipeline pushed."""
