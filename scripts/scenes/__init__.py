"""Made-up image sequences with known truth; for scripts and tests."""
