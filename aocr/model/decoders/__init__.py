"""The decoders: features to symbols."""
