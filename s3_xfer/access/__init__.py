"""Who may do what: clients and credentials of each side, and the checks before a run."""
