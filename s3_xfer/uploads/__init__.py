"""Multipart uploads that nobody completed: finding them, and aborting them on request."""
