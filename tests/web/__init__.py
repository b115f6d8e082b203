"""The page's server and the API, over real connections."""
