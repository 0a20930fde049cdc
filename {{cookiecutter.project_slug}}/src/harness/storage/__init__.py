"""What it keeps: the threads' checkpoints."""
