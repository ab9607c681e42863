"""A run as one file to read: report.html, and the model's card from the same facts."""
