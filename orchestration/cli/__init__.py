"""The command line: options, and one file a command; those on a pushed model have a folder."""
