"""The warm process: it holds the imports of a worker, and stays for some minutes after a run for the next command."""
