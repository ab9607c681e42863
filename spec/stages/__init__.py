"""Names and places of stages."""
