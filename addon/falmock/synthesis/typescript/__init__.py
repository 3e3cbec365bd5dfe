"""Reads the types of fal's endpoints from the declarations that `@fal-ai/client` has (`types/endpoints.d.ts`)."""
