"""Logs, metrics, traces and the audit log, with secrets taken out in one place."""
