"""Makes media files that play: pictures, films, sounds, meshes and transcripts, equal for equal recipes."""
