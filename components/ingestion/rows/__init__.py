"""Row by row: filters, samples, splits and profiles."""
