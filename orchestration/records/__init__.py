"""What a run leaves in its folder: run.json and events.jsonl."""
