"""What a pipeline is: its typed config, and the stages in the order in which data flows."""
