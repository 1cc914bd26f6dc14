"""Real data sets, and readers of files."""
