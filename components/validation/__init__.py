"""Validation: gates that compare every split with the approved schema, with previous runs and with served rows."""
