"""Files and folders, local and remote."""
