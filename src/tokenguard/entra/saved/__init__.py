"""Answers of Microsoft Graph that somebody saved as files: what each is, and what they say together."""
