"""Records of stages that have run: the files that they read, their outputs, and whether they finished."""
