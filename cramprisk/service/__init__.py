"""The service: the page for a browser, and what other programs ask over HTTP."""
