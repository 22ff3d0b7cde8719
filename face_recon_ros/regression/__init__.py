"""From a region of an image to the 62 parameters of the face in it."""
