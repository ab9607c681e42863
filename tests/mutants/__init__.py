"""`make mutants`: small edits of the code, one at a time, and whether a test notices each."""
