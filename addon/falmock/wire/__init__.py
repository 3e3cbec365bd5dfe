"""What fal's API is: hosts, routes, values and their exact bytes. Imports nothing else of ours."""
