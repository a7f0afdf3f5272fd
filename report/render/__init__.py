"""A report as HTML, Markdown, CSV and text."""
