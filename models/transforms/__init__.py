"""What each role does in the transform graph: one file a kind of column."""
