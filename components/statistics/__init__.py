"""Statistics: TFDV statistics of every split."""
