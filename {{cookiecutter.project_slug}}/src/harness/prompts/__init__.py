"""What it says: the prompt class and the shared prompts, one module each."""
