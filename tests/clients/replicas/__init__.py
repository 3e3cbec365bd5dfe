"""Several falmocks on one store behind a balancer, and tests of them."""
