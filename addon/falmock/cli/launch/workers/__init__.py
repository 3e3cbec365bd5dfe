"""Several falmocks on one port: the processes of `falmock serve --workers N`, who starts them, and their private store."""
