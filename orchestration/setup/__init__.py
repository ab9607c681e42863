"""Creation of the virtual environment."""
