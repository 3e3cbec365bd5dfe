"""What is made up where nothing was recorded: schemas of models from examples."""
