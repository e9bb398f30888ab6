"""What the service is about: conversations, prompts, usage, connections and answers. Knows nothing of HTTP."""
