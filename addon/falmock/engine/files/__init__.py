"""Files: what clients upload and download, by digest."""
