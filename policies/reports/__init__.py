"""What becomes of a verdict: a document, lines for the console, a page, the official checker's layout."""
