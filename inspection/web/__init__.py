"""The read-only web page: runs, models, artifacts and schedules."""
