"""Writing a report: as text for people, as JSON, and as SARIF."""
