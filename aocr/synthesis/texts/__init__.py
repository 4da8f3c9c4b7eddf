"""Which texts are drawn."""
