"""Pages, images and the schema in docs/, written from committed figures and from the code."""
