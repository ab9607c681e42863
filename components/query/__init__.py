"""Rows that a SQL query gives, as a Parquet file that the rest of a run reads."""
