"""Project folders of users: selection of the one that a command uses, and creation of a new one."""
