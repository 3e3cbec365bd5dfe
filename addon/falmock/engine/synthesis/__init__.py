"""Answers that are made for a call: by a schema, by a guess, or with values of the call; and checks of inputs."""
