"""What is known of a stage that has run: files that it read, outputs, and whether it is finished."""
