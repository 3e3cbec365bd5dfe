"""`falmock schemas`: the OpenAPI documents of models, which inputs are checked by and answers are made from."""
