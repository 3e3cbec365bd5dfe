"""The Platform API: models, their schemas and prices."""
