"""Photos, videos, bags, message encodings, calibrations and the CSV of faces."""
