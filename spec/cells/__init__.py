"""What a cell of raw data means: null values, numbers and dates as text."""
