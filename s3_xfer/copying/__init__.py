"""One object: copy it, verify it, repeat what is worth repeating."""
