"""The one exception for what a user can cure."""


class UserError(Exception):
    """Bad input. The message says in one line what is wrong, where, and how to cure it."""
