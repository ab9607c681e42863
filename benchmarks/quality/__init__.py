"""Quality of untouched proposals of `new` against boosted trees with defaults, on public tables."""
