"""Records of a run in its folder: run.json and events.jsonl."""
