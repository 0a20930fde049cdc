"""Answers from the Markdown files of one folder. The smallest agent: copy it to start your own."""
