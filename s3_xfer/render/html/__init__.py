"""The end of a run as one HTML page: no script, no network, nothing but the file itself."""
