"""`inspect` in a process of its own, which fails if it imports a heavy library."""

MAIN = """
import argparse, sys
from inspection import inspect_parser
parser = argparse.ArgumentParser()
inspect_parser.add_arguments(parser)
code = inspect_parser.run(parser.parse_args())
heavy = {name.partition(".")[0] for name in sys.modules} & {"tensorflow", "tfx", "apache_beam", "numpy", "pandas"}
sys.exit(f"imported {heavy}" if heavy else code)
"""

COUNTED = (
    """
import atexit, json, sys
from tests.inspection.store_reads import counted
reads = counted()
count = reads.__enter__()
atexit.register(lambda: print(json.dumps(vars(count)), file=sys.stderr))
"""
    + MAIN
)
"""The same, and what it read as JSON in the last line of standard error."""
