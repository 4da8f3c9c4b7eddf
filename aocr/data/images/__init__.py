"""Image files: reading, checking, converting, decoding, preparing."""
