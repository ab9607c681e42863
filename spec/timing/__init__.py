"""When a run starts: cron expressions and schedules."""
