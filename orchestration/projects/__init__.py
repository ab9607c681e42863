"""Project folders of the user's own: which one a command uses, and how a new one is made."""
