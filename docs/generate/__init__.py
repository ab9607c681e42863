"""Generate the tables of docs/reference from the code: config keys, commands, exit codes, and the files of a run.

A page contains a block for each table,

    <!-- generated: keys training -->
    ...
    <!-- end of generated -->

and `python -m docs.generate` replaces the lines between these two; the rest of a page is written by hand.
tests/test_docs.py fails if a block is not current.
"""
