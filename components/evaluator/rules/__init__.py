"""Rules of a blessing: the slices that they apply to, their outcomes, and whether all hold."""
