"""The report as one page for a browser, with all that it needs in it: index.html."""
