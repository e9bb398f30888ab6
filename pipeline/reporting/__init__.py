"""Values into text, Markdown and JSON. Rendering is pure; only `console` writes, to the streams that it is handed."""
