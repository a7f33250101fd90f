"""What a run has done so far, kept so that another run can go on from there."""
