"""Text for people: functions from a snapshot or a result to lines. The only importer of rich."""
