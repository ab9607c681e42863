"""Mutation testing: `make mutants` makes small edits of the code and runs the tests on each."""
