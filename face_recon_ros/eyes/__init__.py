"""Eyes: irises, lids, where they look, blinks, and at whom."""
