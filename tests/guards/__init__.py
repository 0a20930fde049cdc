"""What the guards are measured with; the texts do not travel into projects."""
