"""The environment in which a program's calls to fal come to falmock."""
