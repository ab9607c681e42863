"""What a SavedModel holds: signatures and a self-check."""
