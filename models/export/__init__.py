"""Parts of a SavedModel: signatures and a self-check."""
