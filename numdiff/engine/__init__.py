"""From directions and options to derivatives: the way is chosen here, once."""
