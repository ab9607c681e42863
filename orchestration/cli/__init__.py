"""The command line: shared options, and one file per command; commands on a pushed model are in a folder."""
