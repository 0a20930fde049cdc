"""What it keeps: threads, replies, ratings, and what agents remember of an owner."""
