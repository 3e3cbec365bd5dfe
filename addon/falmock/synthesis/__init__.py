"""Infers what was not recorded: schemas of models from examples."""
