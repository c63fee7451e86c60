"""From rules and a snapshot to a report: judging, with exemptions and baselines."""
