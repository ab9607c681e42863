"""The command line: options, and one file a command."""
