"""Makes the outputs of models: by a schema, or guessed from the endpoint id."""
