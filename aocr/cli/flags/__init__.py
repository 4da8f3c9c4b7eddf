"""The flags that commands share, and the values that they accept."""
