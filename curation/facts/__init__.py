"""Facts about columns, on which proposals rest."""
