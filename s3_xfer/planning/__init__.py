"""What should happen: which object goes to which key, and what it will cost."""
