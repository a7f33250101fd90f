"""What a run may copy: each source yields batches of objects, and says what is left."""
