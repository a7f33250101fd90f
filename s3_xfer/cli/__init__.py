"""What a person types: parse, ask, confirm, exit code. Holds no copying logic."""
