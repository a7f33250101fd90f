"""Multipart uploads that were never completed: listing them, and aborting them on request."""
