"""The model that a server serves, and its versions."""
