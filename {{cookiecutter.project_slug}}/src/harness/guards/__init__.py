"""What may pass: the guard before a message enters, and the one before an answer leaves."""
