"""The tables of a report in no format: what the page in Markdown and the page in HTML both show."""
