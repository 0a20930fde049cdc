"""The starter agent: delete this folder and its tests when your own agents are there."""
