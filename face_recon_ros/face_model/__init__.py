"""The 3D morphable face model: its file, what the parameters mean, and the fit to landmarks."""
