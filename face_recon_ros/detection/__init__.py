"""Face boxes in an image: BlazeFace, UltraLight, and windows of large images."""
