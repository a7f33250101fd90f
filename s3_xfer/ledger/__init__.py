"""What happened, in numbers and in words: metrics while running, a report at the end."""
