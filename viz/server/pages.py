"""The two pages that the guard shows itself, and what Solara's own page lacks."""

from __future__ import annotations

import re

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Push-pull twin</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 16px }
  body { color: #1a202c; background: #f5f6f8 } input, button { font: inherit; padding: 4px 8px }
  code { background: #e6e9ee; padding: 0 4px; border-radius: 4px }
</style>
</head>
"""

# The form's GET puts the token behind '?token=', just as the link does.
ENTER = (
    _HEAD.replace("{", "{{").replace("}", "}}")
    + """<body>
<main>
<h1>Token, please</h1>
<p>{why} Use the whole link that <code>twin app</code> printed when it started, the one that ends
in <code>?token=&hellip;</code>, or paste the token here:</p>
<form method="get"><label>Token <input name="token" type="password" autocomplete="off" required
autofocus></label> <button>Open</button></form>
<p>If it was lost, start <code>twin app</code> again.</p>
</main>
</body>
</html>
"""
)
"""What someone without the token sees."""

# A redirect would not do: after a link in a mail, browsers hold the cookie back from the page that
# they are sent on to. The token leaves the address, what follows '#' stays.
EXCHANGE = (
    _HEAD
    + """<body>
<script>
  const here = new URL(location.href);
  here.searchParams.delete("token");
  location.replace(here);
</script>
<noscript>The twin needs JavaScript.</noscript>
</body>
</html>
"""
)
"""Goes on to the same address without the token, the cookie in hand."""


def accessible(page: str) -> str:
    """Return Solara's page with its language said and without its ban on zooming in."""
    page = page.replace("<html>", '<html lang="en">', 1)
    plain = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    return re.sub(r'<meta name="viewport"[^>]*>', plain, page, count=1)
