"""What a person sees: functions from a snapshot or a result to text. The only importer of rich."""
