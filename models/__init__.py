"""Everything that runs on workers or is saved inside the model. Imports none of the other places."""
