"""Text for people: characters, numbers with nouns, patterns."""
