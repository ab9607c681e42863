"""What kind of data there is, and how it is read."""
