"""One file a group of gates."""
