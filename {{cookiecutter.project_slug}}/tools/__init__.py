"""What the project runs on itself; nothing here is part of the service."""
