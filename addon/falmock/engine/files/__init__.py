"""Files that clients upload and download, stored by digest."""
