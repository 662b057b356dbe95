"""The decisions of training: codes, windows, places, roll states, hours. Pure functions and tables."""
