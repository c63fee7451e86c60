"""What changed between two snapshots, or between two reports: pure, and in values that others write."""
