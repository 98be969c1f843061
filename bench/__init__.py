"""Measurements: accuracy on labelled lists, speed as ratios in the same run."""
