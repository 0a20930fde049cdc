"""The templates of deploy/aws hold to their rules."""
