"""Rule documents: the language they are written in, and what becomes of them."""
