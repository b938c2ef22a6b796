"""Parts of the page that run in the browser: an anywidget in Python, its module beside it."""
