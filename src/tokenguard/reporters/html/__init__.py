"""The report as a web page: one file that needs no network, no server and no second file."""
