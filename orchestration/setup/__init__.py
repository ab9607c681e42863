"""Makes the virtual environment."""
