"""Checks inputs of models by their OpenAPI documents, as fal does."""
