"""Events to web servers, over real connections."""
