"""Text to typed columns: CSV dialects, numbers, dates and null values."""
