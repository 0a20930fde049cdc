"""Threads in DynamoDB: one table, `dynamodb://NAME?region=eu-west-1`, made beforehand as table.json says."""

from typing import Final

EXTRA: Final = "bedrock"
"""The extra that brings boto3."""
