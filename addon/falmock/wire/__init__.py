"""What fal's API is: hosts, routes, values and their exact bytes. Imports no other part of the package."""
