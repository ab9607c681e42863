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
